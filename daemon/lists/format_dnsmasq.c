/* Lines of a dnsmasq configuration that name domains: address=/…/, server=/…/, local=/…/,
 * nftset=/…/, ipset=/…/. Each holds the name and everything below it. */
#include <string.h>

#include "daemon/lists/families.h"
#include "daemon/lists/words.h"

static const char *const keywords[] = { "address", "server", "local", "nftset", "ipset", NULL };

/* Behind "keyword=/"; NULL when the line is another one. */
static char *domains_of(char *line)
{
	for (size_t i = 0; keywords[i]; i++) {
		size_t length = strlen(keywords[i]);
		char *at;

		if (strncmp(line, keywords[i], length) != 0)
			continue;
		at = words_skip_blanks(line + length);
		if (*at != '=')
			continue;
		at = words_skip_blanks(at + 1);
		return *at == '/' ? at + 1 : NULL;
	}
	return NULL;
}

enum likeness dnsmasq_looks(const char *line)
{
	return domains_of((char *)line) ? LIKE : UNLIKE;
}

static bool is_option(const char *line)
{
	size_t word = strspn(line, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return word && (!line[word] || line[word] == '=' || line[word] == ' ');
}

static void read_domain(struct gather *gather, const char *domain)
{
	if (strcmp(domain, "#") == 0)
		gather_bad(gather, "holds every name");
	else if (domain[0] == '*' && domain[1] != '.')
		gather_skip(gather); /* ends in these letters: no name of ours says that */
	else if (domain[0])
		gather_name(gather, domain, NAME_TREE);
	else
		gather_skip(gather);
}

void dnsmasq_read(struct gather *gather, union format_state *state, const struct piece *piece)
{
	char *line = words_skip_blanks(piece->text);
	char *domain = domains_of(line);
	char *value;

	(void)state;
	words_cut_comment(line);
	if (!*line)
		return;
	value = domain ? strrchr(domain, '/') : NULL;
	if (!value) {
		if (!domain && is_option(line))
			gather_skip(gather);
		else
			gather_bad(gather, "no line of dnsmasq that names domains");
		return;
	}
	*value++ = '\0';
	/* Asked as usual, although a parent is not: an exception. */
	gather->entry.allow = strncmp(line, "server", 6) == 0 && strcmp(value, "#") == 0;
	for (char *next = domain; next; domain = next) {
		next = strchr(domain, '/');
		if (next)
			*next++ = '\0';
		read_domain(gather, domain);
	}
}
