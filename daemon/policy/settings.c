#include "daemon/policy/settings.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/policy/definitions.h"
#include "daemon/policy/list.h"
#include "daemon/policy/scalar.h"

const char *const source_words[] = { "keep", "own", NULL };
const char *const when_down_words[] = { "open", "closed", NULL };
const char *const lists_in_words[] = { "auto", "bpf", "nft", "daemon", NULL };
const char *const journal_words[] = { "stdout", "syslog", NULL };

static const char *const proxy_words[] = { "needed", "always", NULL };
static const char *const method_words[] = { "auto", "tproxy", "redirect", NULL };

void read_version(struct reading *reading, const struct keyword *keyword, struct value value,
		  void *target)
{
	(void)target;
	if (strcmp(value_text(value), "1") != 0)
		keyword_mismatch(reading, keyword, value);
}

static bool has_lan(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->lan_count; i++)
		if (strcmp(policy->lan[i], name) == 0)
			return true;
	return false;
}

void read_lan(struct reading *reading, const struct keyword *keyword, struct value value,
	      void *target)
{
	struct policy *policy = target;

	if (!scalar_is_port_name(value_text(value)))
		keyword_mismatch(reading, keyword, value);
	else if (has_lan(policy, value_text(value)))
		reading_error(reading, value, "\"lan\" names %s twice; leave one of them out",
			      value_text(value));
	else if (policy->lan_count == LAN_PORTS_MAX)
		reading_error(reading, value, "\"lan\" names more than %d ports", LAN_PORTS_MAX);
	else
		strcpy(policy->lan[policy->lan_count++], value_text(value));
}

void read_source(struct reading *reading, const struct keyword *keyword, struct value value,
		 void *target)
{
	struct policy *policy = target;
	int choice = keyword_choose(reading, keyword, value);

	if (choice >= 0)
		policy->source = (enum source_address)choice;
}

/* Read beforehand, with the policy; here only whether that was possible. */
void read_leases(struct reading *reading, const struct keyword *keyword, struct value value,
		 void *target)
{
	const struct policy *policy = target;
	char name[SOURCE_NAME_SIZE];
	const struct source *source =
		source_name(name, value_place(value).file, value_text(value))
			? sources_find(policy->sources, name)
			: NULL;

	if (!source)
		keyword_mismatch(reading, keyword, value);
	else if (!source->bytes)
		reading_warning(reading, value,
				"%s cannot be read (%s): no device is known by its host name",
				value_text(value), strerror(source->error));
}

void read_lists_in(struct reading *reading, const struct keyword *keyword, struct value value,
		   void *target)
{
	struct policy *policy = target;
	int choice = keyword_choose(reading, keyword, value);

	if (choice >= 0)
		policy->lists_in = (enum lists_in)choice;
}

void read_when_down(struct reading *reading, const struct keyword *keyword, struct value value,
		    void *target)
{
	struct policy *policy = target;
	int choice = keyword_choose(reading, keyword, value);

	if (choice >= 0)
		policy->when_down = (enum when_down)choice;
}

static void add_range(struct reading *reading, const struct keyword *keyword, struct value value,
		      struct port_range *ranges, size_t *count)
{
	if (port_range_parse(&ranges[*count], value_text(value)) != 0)
		keyword_mismatch(reading, keyword, value);
	else
		++*count;
	if (*count <= PORT_RANGES_MAX - 1)
		return;
	/* The last place stays free, so that one more can always be read. */
	*count = port_ranges_join(ranges, *count);
	if (*count == PORT_RANGES_MAX) {
		reading_error(reading, value, "\"%s\" names more than %d ports and ranges",
			      keyword->word, PORT_RANGES_MAX - 1);
		--*count;
	}
}

static void read_tcp(struct reading *reading, const struct keyword *keyword, struct value value,
		     void *target)
{
	struct capture *capture = target;

	add_range(reading, keyword, value, capture->tcp, &capture->tcp_count);
}

static void read_udp(struct reading *reading, const struct keyword *keyword, struct value value,
		     void *target)
{
	struct capture *capture = target;

	add_range(reading, keyword, value, capture->udp, &capture->udp_count);
}

static void read_method(struct reading *reading, const struct keyword *keyword, struct value value,
			void *target)
{
	struct capture *capture = target;
	int choice = keyword_choose(reading, keyword, value);

	if (choice >= 0)
		capture->method = (enum capture_method)choice;
}

static void read_proxy(struct reading *reading, const struct keyword *keyword, struct value value,
		       void *target)
{
	struct capture *capture = target;

	capture->always = keyword_choose(reading, keyword, value) == 1;
}

/* Hexadecimal with 0x; NULL unless it ends at one of the delimiters. */
static const char *read_hex(uint32_t *number, const char *text)
{
	char *end;
	unsigned long read;

	if (text[0] != '0' || text[1] != 'x' || strspn(text + 2, "0123456789abcdefABCDEF") == 0 ||
	    strspn(text + 2, "0123456789abcdefABCDEF") > 8)
		return NULL;
	read = strtoul(text, &end, 16);
	*number = (uint32_t)read;
	return end;
}

static void read_mark(struct reading *reading, const struct keyword *keyword, struct value value,
		      void *target)
{
	struct capture *capture = target;
	uint32_t mark, mask;
	const char *end = read_hex(&mark, value_text(value));

	mask = mark;
	if (end && *end == '/')
		end = read_hex(&mask, end + 1);
	if (!end || *end) {
		keyword_mismatch(reading, keyword, value);
	} else if (mark == 0 || (mark & ~mask)) {
		reading_error(reading, value, "the mark must not be 0 and lie within its mask");
	} else if ((mask & (mask - 1)) == 0) {
		reading_error(reading, value,
			      "the mask needs two bits at least: beside the mark of captured packets "
			      "there is one of connections that the kernel carries by itself");
	} else {
		capture->mark = mark;
		capture->mark_mask = mask;
	}
}

static void read_list_mark(struct reading *reading, const struct keyword *keyword,
			   struct value value, void *target)
{
	struct capture *capture = target;
	uint32_t mask;
	const char *end = read_hex(&mask, value_text(value));

	if (!end || *end)
		keyword_mismatch(reading, keyword, value);
	else if (mask == 0 || mask >> __builtin_ctz(mask) != 0xff)
		reading_error(reading, value, "it takes 8 bits side by side");
	else
		capture->list_mask = mask;
}

static void read_table(struct reading *reading, const struct keyword *keyword, struct value value,
		       void *target)
{
	struct capture *capture = target;
	uint32_t range[2] = { 1, UINT32_MAX };
	uint32_t table;

	if (!scalar_number(reading, keyword, value, range, &table))
		return;
	if (table >= 253 && table <= 255)
		reading_error(reading, value, "routing table %u belongs to the kernel", table);
	else
		capture->table = table;
}

#define PORTS_TAKEN "a port from 1 to 65535 or a range such as 8000-8999, or a list of them"

static const struct keyword capture_keywords[] = {
	{ "tcp", FORM_NUMBER | FORM_TEXT | FORM_LIST | FORM_EMPTY, PORTS_TAKEN, .read = read_tcp },
	{ "udp", FORM_NUMBER | FORM_TEXT | FORM_LIST | FORM_EMPTY, PORTS_TAKEN, .read = read_udp },
	{ "method", FORM_TEXT, "auto, tproxy or redirect", .read = read_method,
	  .words = method_words },
	{ "proxy", FORM_TEXT, "needed or always", .read = read_proxy, .words = proxy_words },
	{ "mark", FORM_TEXT | FORM_NUMBER,
	  "bits of the packet mark that are ours, such as 0x07000000/0x07000000",
	  .read = read_mark },
	{ "list-mark", FORM_TEXT | FORM_NUMBER,
	  "8 bits of the packet mark side by side, such as 0x00ff0000", .read = read_list_mark },
	{ "table", FORM_NUMBER, "the number of a routing table that nobody else uses",
	  .read = read_table },
	{ 0 },
};

const struct grammar capture_grammar = { "\"capture\"", capture_keywords };

void read_capture(struct reading *reading, const struct keyword *keyword, struct value value,
		  void *target)
{
	struct policy *policy = target;

	/* What the owner names replaces the default. */
	if (value_find(value, "tcp").node)
		policy->capture.tcp_count = 0;
	grammar_read(reading, keyword->grammar, value, &policy->capture);
	if (policy->capture.mark_mask & policy->capture.list_mask)
		reading_error(reading, value,
			      "\"mark\" and \"list-mark\" need different bits of the packet mark");
}

void settings_finish(struct policy *policy)
{
	struct capture *capture = &policy->capture;

	capture->tcp_count = port_ranges_join(capture->tcp, capture->tcp_count);
	capture->udp_count = port_ranges_join(capture->udp, capture->udp_count);
}

static void read_file(struct reading *reading, const struct keyword *keyword, struct value value,
		      void *target)
{
	struct policy *policy = target;

	if (value_text(value)[0] != '/')
		keyword_mismatch(reading, keyword, value);
	else if (!policy->journal.file)
		policy->journal.file = reading_copy(reading, value_text(value));
	policy->journal.to = JOURNAL_TO_FILE;
}

static void read_rotate(struct reading *reading, const struct keyword *keyword, struct value value,
			void *target)
{
	struct policy *policy = target;

	scalar_size(reading, keyword, value, &policy->journal.rotate);
}

static void read_keep(struct reading *reading, const struct keyword *keyword, struct value value,
		      void *target)
{
	struct policy *policy = target;
	uint32_t range[2] = { 1, 1000 };
	uint32_t keep;

	if (scalar_number(reading, keyword, value, range, &keep))
		policy->journal.keep = keep;
}

static const struct keyword journal_keywords[] = {
	{ "file", FORM_TEXT, "the absolute path of the journal", .read = read_file,
	  .required = true },
	{ "rotate", FORM_TEXT | FORM_NUMBER, "a size such as 16 MB after which a new file is begun",
	  .read = read_rotate },
	{ "keep", FORM_NUMBER, "how many old files are kept, from 1 to 1000", .read = read_keep },
	{ 0 },
};

const struct grammar journal_grammar = { "\"journal\"", journal_keywords };

void read_journal(struct reading *reading, const struct keyword *keyword, struct value value,
		  void *target)
{
	struct policy *policy = target;
	int choice;

	if (value_kind(value) == VALUE_MAPPING) {
		policy->journal.keep = 4;
		grammar_read(reading, keyword->grammar, value, policy);
		return;
	}
	choice = keyword_choose(reading, keyword, value);
	if (choice >= 0)
		policy->journal.to = choice == 0 ? JOURNAL_TO_STDOUT : JOURNAL_TO_SYSLOG;
}

static void read_traces_directory(struct reading *reading, const struct keyword *keyword,
				  struct value value, void *target)
{
	struct policy *policy = target;

	if (value_text(value)[0] != '/')
		keyword_mismatch(reading, keyword, value);
	else if (!policy->traces.directory)
		policy->traces.directory = reading_copy(reading, value_text(value));
}

static void read_traces_rotate(struct reading *reading, const struct keyword *keyword,
			       struct value value, void *target)
{
	struct policy *policy = target;

	scalar_size(reading, keyword, value, &policy->traces.rotate);
}

static void read_traces_keep(struct reading *reading, const struct keyword *keyword,
			     struct value value, void *target)
{
	struct policy *policy = target;
	uint32_t range[2] = { 1, 1000 };
	uint32_t keep;

	if (scalar_number(reading, keyword, value, range, &keep))
		policy->traces.keep = keep;
}

static const struct keyword traces_keywords[] = {
	{ "directory", FORM_TEXT, "the absolute path of the directory that holds the traces",
	  .read = read_traces_directory },
	{ "rotate", FORM_TEXT | FORM_NUMBER, "a size such as 64 MB after which a new file is begun",
	  .read = read_traces_rotate },
	{ "keep", FORM_NUMBER, "how many old files of a kind are kept, from 1 to 1000",
	  .read = read_traces_keep },
	{ 0 },
};

const struct grammar traces_grammar = { "\"traces\"", traces_keywords };

static void read_directory(struct reading *reading, const struct keyword *keyword,
			   struct value value, void *target)
{
	struct policy *policy = target;

	if (value_text(value)[0] != '/')
		keyword_mismatch(reading, keyword, value);
	else if (!policy->authority.directory)
		policy->authority.directory = reading_copy(reading, value_text(value));
}

static bool add_never(struct reading *reading, enum name_pattern_kind kind, const char *name)
{
	struct authority_settings *authority = &reading->policy->authority;
	struct never *grown;

	if (authority->never_count == NEVERS_MAX)
		return false;
	grown = reading_grow(reading, authority->never, &authority->never_count, sizeof(*grown));
	if (!grown)
		return false;
	authority->never = grown;
	grown += authority->never_count - 1;
	grown->kind = kind;
	grown->name = reading_copy(reading, name);
	return grown->name != NULL;
}

/* Its names are added when it is compiled: policy_take_lists(). */
static void add_list(struct reading *reading, struct value value, const char *name)
{
	struct authority_settings *authority = &reading->policy->authority;
	const struct list *list = find_list(reading, value, name, LIST_OF_NAMES);
	const struct list **grown;

	if (!list)
		return;
	grown = reading_grow(reading, authority->never_lists, &authority->never_list_count,
			     sizeof(*grown));
	if (!grown)
		return;
	authority->never_lists = grown;
	grown[authority->never_list_count - 1] = list;
	authority->never_place = value_place(value);
}

static void read_never(struct reading *reading, const struct keyword *keyword, struct value value,
		       void *target)
{
	const char *text = value_text(value);
	enum name_pattern_kind kind;
	bool added = true;
	char *name;

	(void)target;
	if (strncmp(text, "list ", 5) == 0) {
		add_list(reading, value, text + 5);
	} else if (scalar_name(reading, keyword, value, &kind, &name)) {
		added = add_never(reading, kind, name);
		free(name);
	}
	if (!added && !reading->exhausted)
		reading_error(reading, value,
			      "\"never\" holds more than %d names: they all have to stand in the "
			      "authority's certificate",
			      NEVERS_MAX);
}

static void read_next(struct reading *reading, const struct keyword *keyword, struct value value,
		      void *target)
{
	struct policy *policy = target;

	if (value_text(value)[0] != '/')
		keyword_mismatch(reading, keyword, value);
	else if (!policy->authority.next)
		policy->authority.next = reading_copy(reading, value_text(value));
}

static const struct keyword authority_keywords[] = {
	{ "directory", FORM_TEXT, "the absolute path of the directory that holds the authority",
	  .read = read_directory },
	{ "next", FORM_TEXT,
	  "the absolute path of the directory of the authority that will take its place",
	  .read = read_next },
	{ "never", FORM_TEXT | FORM_LIST,
	  "a name such as example.com, *.example.com or .example.com, \"list NAME\", or a list of "
	  "them",
	  .read = read_never },
	{ 0 },
};

const struct grammar authority_grammar = { "\"authority\"", authority_keywords };

void read_authority(struct reading *reading, const struct keyword *keyword, struct value value,
		    void *target)
{
	grammar_read(reading, keyword->grammar, value, target);
}
