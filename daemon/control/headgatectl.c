/* headgatectl: asks a running headgated, and checks policy files without one. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/box.h"
#include "daemon/control/call.h"
#include "daemon/control/check.h"
#include "daemon/control/export.h"
#include "daemon/control/lists.h"
#include "daemon/control/metrics.h"
#include "daemon/control/show.h"
#include "daemon/control/tool.h"
#include "daemon/lists/format.h"
#include "daemon/lists/set.h"
#include "daemon/policy/suggestion.h"
#include "daemon/upgrade/upgrade.h"

#define RUN_DIRECTORY "/run/headgate"

struct subcommand {
	const char *name;
	const char *arguments;
	const char *help;
	int least; /* words */
	int most;
	int (*run)(const struct subcommand *subcommand, const struct tool *tool);

	/* of those that ask the daemon */
	const char *socket;
	void (*show)(struct show *show, const json_t *line);
	const struct column *columns;
	const char *none;
};

static const struct column processes[] = {
	{ "PROCESS", cell_value, "process", false },
	{ "INDEX", cell_value, "index", true },
	{ "PID", cell_value, "pid", true },
	{ "UPTIME", cell_seconds, "uptime", true },
	{ NULL, NULL, NULL, false },
};

static const struct column rules[] = {
	{ "#", cell_value, "number", true },
	{ "HITS", cell_value, "hits", true },
	{ "SHADOW", cell_value, "shadow_hits", true },
	{ "OVER", cell_value, "over_rate", true },
	{ "VERDICT", cell_value, "verdict", false },
	{ "NAME", cell_value, "name", false },
	{ "RULE", cell_value, "text", false },
	{ NULL, NULL, NULL, false },
};

static const struct column lists[] = {
	{ "NAME", cell_value, "name", false },
	{ "ADDRESSES", cell_value, "addresses", true },
	{ "NAMES", cell_value, "names", true },
	{ "BAD LINES", cell_value, "bad_lines", true },
	{ "HITS", cell_value, "hits", true },
	{ "AGE", cell_seconds, "age", true },
	{ "NEXT", cell_seconds, "next", true },
	{ "TROUBLE", cell_value, "trouble", false },
	{ NULL, NULL, NULL, false },
};

static const struct column found[] = {
	{ "LIST", cell_value, "list", false },
	{ "FILE", cell_value, "file", false },
	{ "LINE", cell_value, "line", true },
	{ "ENTRY", cell_value, "text", false },
	{ NULL, NULL, NULL, false },
};

static const struct column bans[] = {
	{ "ADDRESS", cell_value, "address", false },
	{ "LEFT", cell_seconds, "left", true },
	{ NULL, NULL, NULL, false },
};

static const struct column devices[] = {
	{ "NAME", cell_value, "name", false },
	{ "TODAY", cell_bytes, "bytes_today", true },
	{ "QUOTA", cell_bytes, "quota_bytes", true },
	{ "SPENT", cell_value, "spent", false },
	{ NULL, NULL, NULL, false },
};

static const struct column timings[] = {
	{ "DURATION", cell_value, "duration", false },
	{ "MEDIAN", cell_milliseconds, "p50", true },
	{ "90 %", cell_milliseconds, "p90", true },
	{ "99 %", cell_milliseconds, "p99", true },
	{ NULL, NULL, NULL, false },
};

static const struct column refusals[] = {
	{ "DEVICE", cell_value, "device", false },
	{ "HOST", cell_value, "host", false },
	{ "PROGRAM", cell_value, "ja4", false },
	{ "ALERT", cell_value, "alert", false },
	{ "REFUSALS", cell_value, "refusals", true },
	{ "LAST", cell_clock, "last", false },
	{ "PASSED UNTIL", cell_clock, "until", false },
	{ NULL, NULL, NULL, false },
};

static const struct column connections[] = {
	{ "CONNECTION", cell_value, "connection", false },
	{ "CLIENT", cell_address, "client.peername", false },
	{ "DEVICE", cell_value, "client.device", false },
	{ "DESTINATION", cell_address, "client.sockname", false },
	{ "HOST", cell_value, "host", false },
	{ "PROTOCOL", cell_value, "protocol", false },
	{ "CLIENT STATE", cell_value, "client.state", false },
	{ "SERVER STATE", cell_value, "server.state", false },
	{ "RULE", cell_value, "rule", false },
	{ "STAGE", cell_value, "stage", false },
	{ "AGE", cell_milliseconds, "durations.total", true },
	{ "TO CLIENT", cell_bytes, "bytes.to_client", true },
	{ NULL, NULL, NULL, false },
};

_Static_assert(sizeof connections / sizeof *connections <= TABLE_COLUMNS_MAX + 1,
	       "the table takes all columns");

/* The words of the request, in the order they are given. */
static const char *const explain_words[] = { "device", "destination", "host", "method", "path" };
static const char *const cut_words[] = { "what" };

struct asking {
	const struct tool *tool;
	struct show *show;
};

static void take_line(void *context, json_t *line, const char *text)
{
	struct asking *asking = context;

	if (!asking->tool->json) {
		asking->show->line(asking->show, line);
		return;
	}
	puts(text);
	fflush(stdout);
}

static int __attribute__((format(printf, 1, 2))) usage_error(const char *format, ...)
{
	va_list arguments;

	fputs("headgatectl: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputs(" (see headgatectl --help)\n", stderr);
	return STATUS_USAGE;
}

/* The daemon's message goes where it does not disturb what a script reads. */
static void say(const struct tool *tool, int status, const char *message)
{
	if (!*message)
		return;
	if (status)
		fprintf(stderr, "headgatectl: %s\n", message);
	else if (!tool->json)
		puts(message);
}

static int ask(const struct subcommand *subcommand, const struct tool *tool, json_t *request)
{
	char message[CALL_MESSAGE];
	struct show show = {
		.line = subcommand->show,
		.columns = subcommand->columns,
		.none = subcommand->none,
	};
	struct asking asking = { .tool = tool, .show = &show };
	struct call call = {
		.run_directory = tool->run_directory,
		.socket = subcommand->socket,
		.line = take_line,
		.context = &asking,
	};
	int status;

	if (!request || (!tool->json && show_begin(&show))) {
		fputs("headgatectl: out of memory, or an argument is not UTF-8\n", stderr);
		json_decref(request);
		return STATUS_NO;
	}
	status = call_make(&call, request, message);
	show_end(&show, status == STATUS_DONE);
	say(tool, status, message);
	return status;
}

static json_t *make_request(const char *command, const struct tool *tool, const char *const *names)
{
	json_t *request = json_pack("{ss}", "command", command);

	for (int i = 0; request && i < tool->word_count; i++) {
		if (!json_object_set_new(request, names[i], json_string(tool->words[i])))
			continue;
		json_decref(request);
		request = NULL;
	}
	return request;
}

static int run_plain(const struct subcommand *subcommand, const struct tool *tool)
{
	return ask(subcommand, tool, make_request(subcommand->name, tool, NULL));
}

static void count_retiring(void *context, json_t *line, const char *text)
{
	const char *process = json_string_value(json_object_get(line, "process"));

	(void)text;
	*(unsigned *)context += process && strcmp(process, "retiring") == 0;
}

/* After an upgrade: what workers of the program before carry is known to its own recorder alone. */
static void say_who_retires(const struct tool *tool)
{
	unsigned count = 0;
	struct call call = {
		.run_directory = tool->run_directory,
		.socket = "control",
		.line = count_retiring,
		.context = &count,
	};
	char message[CALL_MESSAGE];

	if (call_make(&call, json_pack("{ss}", "command", "status"), message) == STATUS_DONE && count)
		printf("Connections of %u worker%s of the program before are not listed.\n", count,
		       count == 1 ? "" : "s");
}

static int run_connections(const struct subcommand *subcommand, const struct tool *tool)
{
	int status = run_plain(subcommand, tool);

	if (status == STATUS_DONE && !tool->json)
		say_who_retires(tool);
	return status;
}

static int run_explain(const struct subcommand *subcommand, const struct tool *tool)
{
	if (tool->word_count == 4)
		return usage_error("explain: METHOD needs a PATH");
	return ask(subcommand, tool, make_request(subcommand->name, tool, explain_words));
}

static int run_ban(const struct subcommand *subcommand, const struct tool *tool)
{
	json_t *request = make_request(subcommand->name, tool, cut_words);

	if (request && tool->length)
		json_object_set_new(request, "for", json_string(tool->length));
	return ask(subcommand, tool, request);
}

static int run_cut(const struct subcommand *subcommand, const struct tool *tool)
{
	return ask(subcommand, tool, make_request(subcommand->name, tool, cut_words));
}

static int search_lists(const struct subcommand *subcommand, const struct tool *tool)
{
	struct subcommand searching = *subcommand;

	searching.show = show_row;
	searching.columns = found;
	searching.none = "it is in no list";
	return ask(&searching, tool,
		   json_pack("{ss ss}", "command", "search", "what", tool->words[1]));
}

/* The word behind `lists`, how many words it needs in all, and at most. */
static const struct {
	const char *word;
	int least, most;
} list_words[] = {
	{ "search", 2, 2 }, { "refresh", 1, 1 }, { "test", 2, 2 }, { "compile", 3, LISTS_MAX },
};

static int run_lists(const struct subcommand *subcommand, const struct tool *tool)
{
	size_t which = 0;

	if (!tool->word_count)
		return run_plain(subcommand, tool);
	while (which < 4 && strcmp(list_words[which].word, tool->words[0]) != 0)
		which++;
	if (which == 4 || tool->word_count < list_words[which].least ||
	    tool->word_count > list_words[which].most)
		return usage_error("lists takes nothing, or search NAME, refresh, test FILE, or "
				   "compile OUTPUT FILE ...");
	switch (which) {
	case 0:
		return search_lists(subcommand, tool);
	case 1:
		return ask(subcommand, tool, json_pack("{ss}", "command", "refresh"));
	case 2:
		return lists_test(tool);
	default:
		return lists_compile(tool);
	}
}

static void (*find_format(const struct tool *tool))(struct show *, const json_t *)
{
	const char *word = tool->word_count > 1 ? tool->words[1] : tool->der ? "der" : "pem";

	return strcmp(word, "pem") == 0		   ? export_pem
	       : strcmp(word, "der") == 0	   ? export_der
	       : strcmp(word, "p12") == 0	   ? export_p12
	       : strcmp(word, "mobileconfig") == 0 ? export_mobileconfig
						   : NULL;
}

static int run_authority(const struct subcommand *subcommand, const struct tool *tool)
{
	struct subcommand chosen = *subcommand;

	if (strcmp(tool->words[0], "export") == 0)
		chosen.show = find_format(tool);
	else if (strcmp(tool->words[0], "show") != 0)
		return usage_error("authority takes `show` or `export`");
	else if (tool->word_count > 1)
		return usage_error("`authority show` takes nothing more");
	else if (tool->der)
		return usage_error("--der belongs to `authority export`");
	if (!chosen.show)
		return usage_error("authority export takes pem, der, p12 or mobileconfig");
	return ask(&chosen, tool, json_pack("{ss}", "command", subcommand->name));
}

static int run_check(const struct subcommand *subcommand, const struct tool *tool)
{
	(void)subcommand;
	return check_file(tool);
}

static int run_metrics(const struct subcommand *subcommand, const struct tool *tool)
{
	(void)subcommand;
	return metrics_print(tool);
}

static int run_box(const struct subcommand *subcommand, const struct tool *tool)
{
	(void)subcommand;
	return box_write(tool);
}

static int run_upgrade(const struct subcommand *subcommand, const struct tool *tool)
{
	(void)subcommand;
	return upgrade_from(tool->words[0]);
}

static int run_schema(const struct subcommand *subcommand, const struct tool *tool)
{
	(void)subcommand;
	return check_schema(tool);
}

static const struct subcommand subcommands[] = {
	{ "status", "", "how the daemon fares: processes, totals, reasons", 0, 0, run_plain,
	  "control", show_status, processes, "no processes" },
	{ "check", "[--plan] FILE", "check a policy file; --plan: print its nft table", 1, 1,
	  run_check, NULL, NULL, NULL, NULL },
	{ "explain", "DEVICE DESTINATION [HOST [METHOD PATH]]", "which rule decides, and why", 2, 5,
	  run_explain, "control", show_text, NULL, NULL },
	{ "reload", "", "read the policy file again", 0, 0, run_plain, "control", show_finding,
	  NULL, NULL },
	{ "renew", "", "let the headgated on the disk take over; no connection is lost", 0, 0,
	  run_plain, "control", show_text, NULL, NULL },
	{ "rules", "", "the rules in force and how often each decided", 0, 0, run_plain, "control",
	  show_row, rules, "no rules" },
	{ "refusals", "", "who refuses the gateway's certificate, and is passed for it", 0, 0,
	  run_plain, "control", show_row, refusals, "nobody refuses it" },
	{ "lists", "[search NAME | refresh | test FILE | compile OUTPUT FILE ...]",
	  "the lists in force; where something stands in them; what would be read of a file", 0,
	  LISTS_MAX, run_lists, "control", show_lists, lists, "no lists" },
	{ "connections", "", "the live connections", 0, 0, run_connections, "journal", show_row,
	  connections, "no connections" },
	{ "events", "", "what happens, as it happens", 0, 0, run_plain, "journal", show_event, NULL,
	  NULL },
	{ "cut", "all | CONNECTION | ADDRESS", "end live connections", 1, 1, run_cut, "control",
	  show_text, NULL, NULL },
	{ "ban", "[--for TIME] ADDRESS", "let nobody reach an address, nor be reached by it", 1, 1,
	  run_ban, "control", show_text, NULL, NULL },
	{ "unban", "ADDRESS", "lift a ban", 1, 1, run_cut, "control", show_text, NULL, NULL },
	{ "bans", "", "the bans in force", 0, 0, run_plain, "control", show_row, bans,
	  "nobody is banned" },
	{ "devices", "", "the devices, and what they have used of their quotas today", 0, 0,
	  run_plain, "control", show_row, devices, "no devices" },
	{ "timings", "", "how long connecting, TLS and answers take", 0, 0, run_plain, "control",
	  show_row, timings, "nothing was timed yet" },
	{ "metrics", "", "all that is counted, as Prometheus reads it", 0, 0, run_metrics, NULL, NULL,
	  NULL, NULL },
	{ "authority", "show | export [pem | der | p12 | mobileconfig]",
	  "the certificate that devices must trust", 1, 2,
	  run_authority, "control", export_facts, NULL, NULL },
	{ "console", "", "the link that opens the web page", 0, 0, run_plain, "control", show_console,
	  NULL, NULL },
	{ "box", "FILE DIRECTORY", "write the configuration of a box's other parts", 2, 2, run_box,
	  NULL, NULL, NULL, NULL },
	{ "upgrade", "IMAGE | -", "write a new image into a box's other slot", 1, 1, run_upgrade,
	  NULL, NULL, NULL, NULL },
	{ "schema", "", "the JSON Schema of the policy file, for editors", 0, 0, run_schema, NULL,
	  NULL, NULL, NULL },
};

enum { SUBCOMMAND_COUNT = sizeof subcommands / sizeof *subcommands, HELP_COLUMN = 28 };

static void print_help(void)
{
	puts("usage: headgatectl [--run-directory DIR] [--json] SUBCOMMAND ...\n");
	for (size_t i = 0; i < SUBCOMMAND_COUNT; i++) {
		const struct subcommand *each = &subcommands[i];
		int width = printf("  %s %s", each->name, each->arguments);

		if (width >= HELP_COLUMN)
			width = printf("\n") - 1;
		printf("%*s%s\n", HELP_COLUMN - width, "", each->help);
	}
	puts("\n--json prints the answer as JSON, one object per line.\n"
	     "The run directory is " RUN_DIRECTORY ", or $HEADGATE_RUN_DIRECTORY.\n"
	     "Exit status: 0 done, 1 no, 2 used wrongly. See headgatectl(8).");
}

static const struct subcommand *find(const char *name)
{
	for (size_t i = 0; i < SUBCOMMAND_COUNT; i++)
		if (strcmp(subcommands[i].name, name) == 0)
			return &subcommands[i];
	return NULL;
}

static int report_unknown(const char *name)
{
	struct suggestion suggestion;

	suggestion_begin(&suggestion, name);
	for (size_t i = 0; i < SUBCOMMAND_COUNT; i++)
		suggestion_offer(&suggestion, subcommands[i].name);
	if (suggestion.best)
		return usage_error("there is no subcommand \"%s\"; did you mean \"%s\"?", name,
				   suggestion.best);
	return usage_error("there is no subcommand \"%s\"", name);
}

static int run(const struct subcommand *subcommand, const struct tool *tool)
{
	if (tool->word_count < subcommand->least || tool->word_count > subcommand->most)
		return *subcommand->arguments
			       ? usage_error("usage: headgatectl %s %s", subcommand->name,
					     subcommand->arguments)
			       : usage_error("`%s` takes nothing more", subcommand->name);
	if (tool->plan && subcommand->run != run_check)
		return usage_error("--plan belongs to `check`");
	if ((tool->format || tool->column || tool->code) && subcommand->run != run_lists)
		return usage_error("--format, --column and --code belong to `lists`");
	if (tool->format && !format_is_known(tool->format))
		return usage_error("there is no format \"%s\"", tool->format);
	if (tool->length && subcommand->run != run_ban)
		return usage_error("--for belongs to `ban`");
	if (tool->der && subcommand->run != run_authority)
		return usage_error("--der belongs to `authority export`");
	return subcommand->run(subcommand, tool);
}

enum {
	OPTION_RUN_DIRECTORY = 1,
	OPTION_JSON,
	OPTION_PLAN,
	OPTION_DER,
	OPTION_FORMAT,
	OPTION_COLUMN,
	OPTION_CODE,
	OPTION_FOR,
	OPTION_HELP,
	OPTION_VERSION
};

static const struct option options[] = {
	{ "run-directory", required_argument, NULL, OPTION_RUN_DIRECTORY },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "plan", no_argument, NULL, OPTION_PLAN },
	{ "for", required_argument, NULL, OPTION_FOR },
	{ "der", no_argument, NULL, OPTION_DER },
	{ "format", required_argument, NULL, OPTION_FORMAT },
	{ "column", required_argument, NULL, OPTION_COLUMN },
	{ "code", required_argument, NULL, OPTION_CODE },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ NULL, 0, NULL, 0 },
};

static void begin_tool(struct tool *tool)
{
	const char *directory = getenv("HEADGATE_RUN_DIRECTORY");

	*tool = (struct tool){ .run_directory =
				       directory && *directory ? directory : RUN_DIRECTORY };
}

int main(int argc, char **argv)
{
	const struct subcommand *subcommand;
	struct tool tool;
	int option;

	begin_tool(&tool);
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		switch (option) {
		case OPTION_RUN_DIRECTORY:
			tool.run_directory = optarg;
			break;
		case OPTION_JSON:
			tool.json = true;
			break;
		case OPTION_PLAN:
			tool.plan = true;
			break;
		case OPTION_FOR:
			tool.length = optarg;
			break;
		case OPTION_DER:
			tool.der = true;
			break;
		case OPTION_FORMAT:
			tool.format = optarg;
			break;
		case OPTION_COLUMN:
			tool.column = optarg;
			break;
		case OPTION_CODE:
			tool.code = optarg;
			break;
		case OPTION_HELP:
			print_help();
			return STATUS_DONE;
		case OPTION_VERSION:
			puts("headgatectl " VERSION);
			return STATUS_DONE;
		case ':':
			return usage_error("%s takes a value", argv[optind - 1]);
		default:
			return usage_error("there is no option %s", argv[optind - 1]);
		}
	}
	if (optind == argc)
		return usage_error("a subcommand is missing");
	subcommand = find(argv[optind]);
	if (!subcommand)
		return report_unknown(argv[optind]);
	tool.words = argv + optind + 1;
	tool.word_count = argc - optind - 1;
	return run(subcommand, &tool);
}
