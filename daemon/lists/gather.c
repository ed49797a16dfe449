#include "daemon/lists/gather.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/lists/u_label.h"

static const char *const own_names[] = {
	"localhost",	 "localhost.localdomain", "local",	  "broadcasthost",
	"ip6-localhost", "ip6-loopback",	  "ip6-localnet", "ip6-mcastprefix",
	"ip6-allnodes",	 "ip6-allrouters",	  "ip6-allhosts",
};

static void give(struct gather *gather)
{
	if (gather->stopped)
		return;
	gather->report->entries++;
	if (gather->sink(gather->context, &gather->entry) != 0) {
		gather->stopped = true;
		gather->error = ECANCELED;
	}
}

void gather_bad(struct gather *gather, const char *why)
{
	struct format_report *report = gather->report;
	unsigned line = gather->entry.line;

	/* A line of many names is one bad line, however many of them are bad. */
	if (report->bad > 0 && gather->last_bad == line)
		return;
	gather->last_bad = line;
	if (report->bad < FORMAT_BAD_SHOWN)
		report->bad_lines[report->bad] = (struct bad_line){ line, why };
	report->bad++;
}

void gather_skip(struct gather *gather)
{
	gather->report->skipped++;
}

void gather_refuse(struct gather *gather, const char *format, ...)
{
	va_list arguments;

	gather->stopped = true;
	if (gather->report->refusal[0])
		return;
	va_start(arguments, format);
	vsnprintf(gather->report->refusal, sizeof(gather->report->refusal), format, arguments);
	va_end(arguments);
}

void gather_exhausted(struct gather *gather)
{
	if (!gather->stopped)
		gather->error = ENOMEM;
	gather->stopped = true;
}

static bool all_bytes(const struct address *address, uint8_t byte)
{
	for (unsigned i = 0; i < address_width(address); i++) {
		if (address->bytes[i] != byte)
			return false;
	}
	return true;
}

/* A tree of IPv6 may hold IPv4-mapped prefixes, which no address of ours ever is. */
static struct address unmapped(const struct address *address)
{
	struct address v4 = { .family = AF_INET };

	if (address->family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&address->v6))
		return *address;
	memcpy(v4.bytes, address->bytes + 12, 4);
	return v4;
}

void gather_range(struct gather *gather, const struct address *first, const struct address *last)
{
	if (first->family != last->family ||
	    memcmp(first->bytes, last->bytes, address_width(first)) > 0) {
		gather_bad(gather, "the range ends before it begins");
	} else if (all_bytes(first, 0) && all_bytes(last, 0xff)) {
		gather_bad(gather, "holds every address");
	} else {
		gather->entry.kind = ENTRY_RANGE;
		gather->entry.first = *first;
		gather->entry.last = *last;
		give(gather);
	}
}

void gather_prefix(struct gather *gather, const struct prefix *prefix)
{
	struct address last = prefix->base;
	struct address base;

	for (unsigned bit = prefix->length; bit < address_width(&last) * 8; bit++)
		last.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	last = unmapped(&last);
	base = unmapped(&prefix->base);
	gather_range(gather, &base, &last);
}

static bool parse_address(const char *text, size_t length, struct address *address)
{
	char literal[ADDRESS_TEXT];

	if (length >= sizeof(literal) || memchr(text, '%', length))
		return false;
	memcpy(literal, text, length);
	literal[length] = '\0';
	return address_parse(address, literal) == 0;
}

static bool is_range(struct gather *gather, const char *text, const char *dash)
{
	struct address first, last;

	if (!parse_address(text, (size_t)(dash - text), &first) ||
	    !parse_address(dash + 1, strlen(dash + 1), &last))
		return false;
	gather_range(gather, &first, &last);
	return true;
}

/* The length of a mask that is ones and then zeros; -1 for any other. */
static int mask_length(const struct address *mask)
{
	uint32_t bits = ntohl(mask->v4.s_addr);
	int length = bits ? __builtin_clz(~bits | 1) : 0;

	if (bits == UINT32_MAX)
		return 32;
	return bits == (length ? UINT32_MAX << (32 - length) : 0) ? length : -1;
}

static bool is_masked(struct gather *gather, const char *text, const char *slash)
{
	struct address base, mask;
	struct prefix prefix;
	char printed[PREFIX_TEXT];
	char literal[ADDRESS_TEXT];

	if (!parse_address(text, (size_t)(slash - text), &base) ||
	    !parse_address(slash + 1, strlen(slash + 1), &mask) || base.family != AF_INET ||
	    mask.family != AF_INET || mask_length(&mask) < 0)
		return false;
	snprintf(printed, sizeof(printed), "%.20s/%d", address_print(&base, literal),
		 mask_length(&mask));
	if (prefix_parse(&prefix, printed) == -1)
		return false;
	gather_prefix(gather, &prefix);
	return true;
}

bool gather_addresses(struct gather *gather, const char *text)
{
	const char *slash = strchr(text, '/');
	const char *dash = strchr(text, '-');
	struct address address;
	struct prefix prefix;

	if (dash)
		return is_range(gather, text, dash);
	if (slash) {
		/* Published lists often leave host bits set; what is meant is clear. */
		if (prefix_parse(&prefix, text) == -1)
			return is_masked(gather, text, slash);
		gather_prefix(gather, &prefix);
		return true;
	}
	if (!parse_address(text, strlen(text), &address))
		return false;
	gather_range(gather, &address, &address);
	return true;
}

static bool is_own_name(const char *name)
{
	for (size_t i = 0; i < sizeof(own_names) / sizeof(*own_names); i++) {
		if (strcmp(own_names[i], name) == 0)
			return true;
	}
	return false;
}

void gather_name(struct gather *gather, const char *text, enum name_pattern_kind bare)
{
	struct list_entry *entry = &gather->entry;

	entry->pattern = bare;
	if (text[0] == '*' && text[1] == '.') {
		entry->pattern = NAME_SUBDOMAINS;
		text += 2;
	} else if (text[0] == '.') {
		entry->pattern = NAME_TREE;
		text++;
	}
	if (!name_canonical(text, strlen(text), entry->name) &&
	    !u_label_convert(text, entry->name)) {
		gather_bad(gather, "neither an address nor a host name");
	} else if (is_own_name(entry->name)) {
		gather_skip(gather);
	} else {
		entry->kind = ENTRY_NAME;
		give(gather);
	}
}

void gather_host(struct gather *gather, const char *text, enum name_pattern_kind bare)
{
	if (!gather_addresses(gather, text))
		gather_name(gather, text, bare);
}
