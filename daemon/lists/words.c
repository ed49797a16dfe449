#include "daemon/lists/words.h"

#include <string.h>
#include <strings.h>

#include "daemon/name.h"

static const char blanks[] = " \t\r\f\v";

char *words_next(char **rest)
{
	char *word = *rest + strspn(*rest, blanks);

	*rest = word;
	if (!*word)
		return NULL;
	*rest = word + strcspn(word, blanks);
	if (**rest)
		*(*rest)++ = '\0';
	return word;
}

char *words_skip_blanks(const char *line)
{
	return (char *)line + strspn(line, blanks);
}

static bool begins_comment(const char *at)
{
	return *at == '#' || *at == ';' || (at[0] == '/' && at[1] == '/');
}

void words_cut_comment(char *line)
{
	char *start = words_skip_blanks(line);

	if (*start == '!' || (start[0] == '-' && start[1] == '-'))
		*start = '\0';
	for (char *at = start; *at; at++) {
		/* Inside a word they are part of it. */
		if (begins_comment(at) && (at == start || strchr(blanks, at[-1]))) {
			*at = '\0';
			return;
		}
	}
}

bool words_begin_with(const char *line, const char *word)
{
	size_t length = strlen(word);

	return strncasecmp(line, word, length) == 0 &&
	       (!line[length] || strchr(blanks, line[length]));
}

bool words_are_dotted_name(const char *word)
{
	enum name_pattern_kind kind;
	char name[NAME_SIZE];

	return name_pattern_parse(word, &kind, name) && strchr(name, '.');
}
