#include "daemon/control/exposition.h"

#include <stdlib.h>

#include "daemon/control/cell.h"

const char *const exposition_questions[EXPOSITION_QUESTIONS] = { "status", "rules", "lists",
								  "devices", "timings" };

/* What tells the samples of a family apart, and where in a line of the answer it stands. */
struct label {
	const char *name;
	const char *member;
};

static const struct label alone[] = { { NULL, NULL } };
static const struct label process[] = { { "process", "process" },
					{ "index", "index" },
					{ NULL, NULL } };
static const struct label rule[] = { { "rule", "name" }, { "verdict", "verdict" }, { NULL, NULL } };
static const struct label list[] = { { "list", "name" }, { NULL, NULL } };
static const struct label device[] = { { "device", "name" }, { NULL, NULL } };
static const struct label of[] = { { "of", "duration" }, { NULL, NULL } };

/* One family of samples: one for each line of the answer that has the member; or, where there is a
 * key, one for each member of that object, which the key names. */
static const struct family {
	const char *question;
	const char *name;
	const char *type;
	const char *member;
	const char *key;
	const struct label *labels;
	const char *help;
} families[] = {
	{ "status", "generation", "gauge", "generation", NULL, alone,
	  "Number of the policy in force" },
	{ "status", "process_uptime_seconds", "gauge", "uptime", NULL, process,
	  "Age of each process" },
	{ "status", "connections_live", "gauge", "totals.live", NULL, alone,
	  "Connections that workers carry now" },
	{ "status", "connections_accepted_total", "counter", "totals.accepted", NULL, alone,
	  "Connections that came to a worker" },
	{ "status", "connections_passed_total", "counter", "totals.passed", NULL, alone,
	  "Connections passed untouched" },
	{ "status", "connections_inspected_total", "counter", "totals.inspected", NULL, alone,
	  "Connections whose TLS was opened" },
	{ "status", "connections_blocked_total", "counter", "totals.blocked", NULL, alone,
	  "Connections refused by a rule" },
	{ "status", "connections_routed_total", "counter", "totals.routed", NULL, alone,
	  "Connections led to another server" },
	{ "status", "answers_total", "counter", "totals.answered", NULL, alone,
	  "Requests answered by redirect and respond" },
	{ "status", "exchanges_total", "counter", "totals.exchanges", NULL, alone,
	  "Requests with their responses" },
	{ "status", "visits_total", "counter", "totals.visits", NULL, alone,
	  "Packets that came to the packet door" },
	{ "status", "dns_stripped_total", "counter", "totals.dns_stripped", NULL, alone,
	  "Answers of DNS from which something was taken" },
	{ "status", "dns_signed_total", "counter", "totals.dns_signed", NULL, alone,
	  "Answers of DNS that could not be changed unseen" },
	{ "status", "bytes_from_clients_total", "counter", "totals.bytes_from_clients", NULL, alone,
	  "Bytes that workers took from clients" },
	{ "status", "bytes_from_servers_total", "counter", "totals.bytes_from_servers", NULL, alone,
	  "Bytes that workers took from servers" },
	{ "status", "dropped_records_total", "counter", "totals.dropped_records", NULL, alone,
	  "Journal lines lost to a slow disk" },
	{ "status", "endings_total", "counter", "reasons", "reason", alone,
	  "Ends of connections by their reason" },
	{ "rules", "rule_hits_total", "counter", "hits", NULL, rule,
	  "How often each rule decided" },
	{ "rules", "rule_shadow_hits_total", "counter", "shadow_hits", NULL, rule,
	  "How often a rule in shadow would have decided" },
	{ "rules", "rule_over_rate_total", "counter", "over_rate", NULL, rule,
	  "New connections over the rule's rate" },
	{ "lists", "list_addresses", "gauge", "addresses", NULL, list,
	  "Addresses and ranges in the list" },
	{ "lists", "list_names", "gauge", "names", NULL, list, "Names in the list" },
	{ "lists", "list_bad_lines", "gauge", "bad_lines", NULL, list,
	  "Lines that were not understood" },
	{ "lists", "list_hits_total", "counter", "hits", NULL, list,
	  "How often rules that ask the list decided" },
	{ "lists", "list_age_seconds", "gauge", "age", NULL, list,
	  "Time since the list was last read" },
	{ "devices", "device_bytes_today", "gauge", "bytes_today", NULL, device,
	  "Bytes used of the device's quota" },
	{ "timings", "duration_median_milliseconds", "gauge", "p50", NULL, of,
	  "How long it takes" },
	{ "timings", "duration_p99_milliseconds", "gauge", "p99", NULL, of,
	  "How long the slowest of a hundred take" },
};

/* The format's escapes for the value of a label. */
static void print_label(const char *name, const char *value, const char *before, FILE *output)
{
	fprintf(output, "%s%s=\"", before, name);
	for (; *value; value++) {
		if (*value == '\n')
			fputs("\\n", output);
		else if (*value == '"' || *value == '\\')
			fprintf(output, "\\%c", *value);
		else
			putc(*value, output);
	}
	putc('"', output);
}

static void print_labels(const struct family *family, const json_t *line, FILE *output)
{
	const char *before = "{";

	for (const struct label *label = family->labels; label->name; label++) {
		char *value = cell_value(line, label->member);

		print_label(label->name, value ? value : "", before, output);
		before = ",";
		free(value);
	}
	if (family->labels->name)
		putc('}', output);
}

static void print_number(const json_t *value, FILE *output)
{
	if (json_is_integer(value))
		fprintf(output, " %" JSON_INTEGER_FORMAT "\n", json_integer_value(value));
	else
		fprintf(output, " %.10g\n", json_number_value(value));
}

static void print_members(const struct family *family, json_t *object, FILE *output)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
	{
		if (!json_is_number(value))
			continue;
		fprintf(output, "headgate_%s", family->name);
		print_label(family->key, name, "{", output);
		putc('}', output);
		print_number(value, output);
	}
}

static void print_family(const struct family *family, const json_t *lines, FILE *output)
{
	size_t place;
	json_t *line;

	fprintf(output, "# HELP headgate_%s %s.\n# TYPE headgate_%s %s\n", family->name,
		family->help, family->name, family->type);
	json_array_foreach(lines, place, line)
	{
		json_t *value = member_at(line, family->member);

		if (family->key) {
			print_members(family, value, output);
		} else if (json_is_number(value)) {
			fprintf(output, "headgate_%s", family->name);
			print_labels(family, line, output);
			print_number(value, output);
		}
	}
}

void exposition_print(const json_t *answers, FILE *output)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
		print_family(&families[i], json_object_get(answers, families[i].question), output);
}
