#include "daemon/supervisor/answers.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/control/server.h"
#include "daemon/orders.h"
#include "daemon/supervisor/ban_answers.h"
#include "daemon/supervisor/console_token.h"
#include "daemon/supervisor/cutting.h"
#include "daemon/supervisor/device_answers.h"
#include "daemon/supervisor/explain_answers.h"
#include "daemon/supervisor/list_answers.h"
#include "daemon/supervisor/redirect.h"
#include "daemon/supervisor/reload.h"
#include "daemon/supervisor/succession.h"
#include "daemon/supervisor/supervision.h"
#include "daemon/tls/authority.h"
#include "daemon/tls/digest.h"
#include "daemon/tls/pinned.h"
#include "netfilter/sieve.h"

enum { RULE_TEXT = 2048 };

static json_int_t sum(const struct supervisor *supervisor, size_t offset)
{
	const struct children *children = &supervisor->children;
	uint64_t total = 0;

	for (unsigned i = 0; i < children_blocks(children); i++)
		total += atomic_load((_Atomic uint64_t *)((char *)&children->counters[i] + offset));
	return (json_int_t)total;
}

#define SUM(supervisor, field) sum(supervisor, offsetof(struct counters, field))

/* status */

static json_t *process_json(const struct child *child, const char *role)
{
	return json_pack("{s:s, s:i, s:i, s:I}", "process", role, "index", (int)child->index, "pid",
			 (int)child->pid, "uptime",
			 (json_int_t)((clock_steady() - child->born) / 1000000));
}

/* A worker of the program before. */
static json_t *elder_json(const struct elder *elder, unsigned index)
{
	return json_pack("{s:s, s:i, s:i, s:n}", "process", "retiring", "index", (int)index, "pid",
			 (int)elder->pid, "uptime");
}

/* Where rules on lists of addresses are decided. */
static const char *lists_way(const struct supervisor *supervisor)
{
	if (policy_asks_lists(supervisor->policy) && !supervisor->lists_in_kernel)
		return sieve_word(SIEVE_DAEMON);
	return sieve_word(sieve_way(supervisor->sieve));
}

static json_t *capture_json(const struct supervisor *supervisor)
{
	const struct policy *policy = supervisor->policy;
	json_t *lan = json_array(), *tcp = json_array();
	char range[16];

	for (size_t i = 0; i < policy->lan_count; i++)
		json_array_append_new(lan, json_string(policy->lan[i]));
	for (size_t i = 0; i < policy->capture.tcp_count; i++) {
		const struct port_range *ports = &policy->capture.tcp[i];

		snprintf(range, sizeof(range), ports->first == ports->last ? "%u" : "%u-%u",
			 ports->first, ports->last);
		json_array_append_new(tcp, json_string(range));
	}
	return json_pack("{s:s, s:s, s:o, s:o, s:s, s:s, s:s, s:I}", "method",
			 supervisor->probe.method == CAPTURE_REDIRECT ? "redirect" : "tproxy",
			 "packet_door", queue_way_word(supervisor->probe.queue), "lan", lan, "tcp",
			 tcp, "source", policy->source == SOURCE_KEEP ? "keep" : "own", "when_down",
			 policy->when_down == WHEN_DOWN_OPEN ? "open" : "closed", "lists_in",
			 lists_way(supervisor), "bytes_of_lists_in_kernel",
			 (json_int_t)sieve_size(supervisor->sieve));
}

static json_t *totals_json(const struct supervisor *supervisor)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
			 "accepted", SUM(supervisor, accepted), "live", SUM(supervisor, live),
			 "passed", SUM(supervisor, passed), "inspected", SUM(supervisor, inspected),
			 "blocked", SUM(supervisor, blocked), "routed", SUM(supervisor, routed),
			 "answered", SUM(supervisor, answered), "visits", SUM(supervisor, visits),
			 "dns_stripped", SUM(supervisor, dns_stripped), "dns_signed",
			 SUM(supervisor, dns_signed), "exchanges", SUM(supervisor, exchanges),
			 "bytes_from_clients", SUM(supervisor, bytes_from_clients),
			 "bytes_from_servers", SUM(supervisor, bytes_from_servers),
			 "dropped_records", SUM(supervisor, dropped_records));
}

static json_t *reasons_json(const struct supervisor *supervisor)
{
	json_t *reasons = json_object();

	for (size_t i = 1; i < REASON_COUNT; i++) {
		json_int_t count = sum(supervisor, offsetof(struct counters, reasons) +
							   i * sizeof(_Atomic uint64_t));

		if (count)
			json_object_set_new(reasons, reason_word((enum reason)i),
					    json_integer(count));
	}
	return reasons;
}

/* Of all that `trust` names, one after the other, or of the system's roots: null where no rule opens TLS. */
static json_t *roots_json(const struct policy *policy)
{
	char hex[DIGEST_HEX_SIZE];

	return policy->trust_pem ? json_string(digest_hex(policy->trust_pem, hex)) : json_null();
}

/* How the servers of an upstream fare, as the workers and the checks have found. */
static json_t *servers_json(const struct health *health, const struct upstream *upstream)
{
	json_t *servers = json_object();
	char text[STATION_TEXT];

	for (size_t i = 0; i < upstream->server_count; i++) {
		int64_t wait = health_wait(health, station_print(&upstream->servers[i], 0, text));

		json_object_set_new(servers, text,
				    json_string(wait > clock_steady() ? "left alone" : wait ? "failed lately" : "well"));
	}
	return servers;
}

static json_t *upstreams_json(const struct supervisor *supervisor)
{
	const struct policy *policy = supervisor->policy;
	json_t *upstreams = json_object();

	for (size_t i = 0; i < policy->upstream_count; i++)
		if (policy->upstreams[i]->defined && policy->upstreams[i]->server_count)
			json_object_set_new(upstreams, policy->upstreams[i]->name,
					    servers_json(supervisor->children.health, policy->upstreams[i]));
	return upstreams;
}

static void answer_status(void *context, json_t *request, struct control_answer *answer)
{
	const struct supervisor *supervisor = context;
	const struct children *children = &supervisor->children;

	(void)request;
	control_answer_line(
		answer,
		json_pack("{s:s, s:i, s:I, s:s, s:i, s:s*, s:i, s:o, s:o, s:o, s:o, s:o}", "version", VERSION,
			  "pid", (int)getpid(), "uptime",
			  (json_int_t)((clock_steady() - supervisor->started) / 1000000), "policy",
			  supervisor->settings->config, "generation",
			  (int)supervisor->policy->generation, "lists_not_compiled", supervisor->lists_trouble, "rules",
			  (int)supervisor->policy->rule_count, "trusted_roots_sha256", roots_json(supervisor->policy), "capture",
			  capture_json(supervisor), "totals", totals_json(supervisor), "upstreams", upstreams_json(supervisor), "reasons", reasons_json(supervisor)));
	control_answer_line(answer, process_json(&children->signer, "signer"));
	control_answer_line(answer, process_json(&children->recorder, "recorder"));
	for (unsigned i = 0; i < children->workers; i++)
		control_answer_line(answer, process_json(&children->worker[i], "worker"));
	for (unsigned i = 0; children->watching && i < children->packet_doors; i++)
		control_answer_line(answer, process_json(&children->packet[i], "packet"));
	if (children->console.pid)
		control_answer_line(answer, process_json(&children->console, "console"));
	for (unsigned i = 0; i < children->elders.count; i++)
		control_answer_line(answer, elder_json(&children->elders.elder[i], i));
	control_answer_end(answer, 0, NULL);
}

/* reload */

static void answer_reload(void *context, json_t *request, struct control_answer *answer)
{
	(void)request;
	reload_begin(context, answer);
}

/* renew */

static void answer_renew(void *context, json_t *request, struct control_answer *answer)
{
	(void)request;
	succession_begin(context, answer);
}

/* rules */

static json_t *rule_json(const struct supervisor *supervisor, const struct rule *rule, int number)
{
	char storage[RULE_TEXT];
	struct text text;

	text_begin(&text, storage, sizeof(storage));
	rule_print(rule, &text);
	return json_pack(
		"{s:i, s:s, s:s, s:b, s:I, s:I, s:I, s:s, s:s, s:i}", "number", number, "name",
		rule->name, "verdict", verdict_word(rule->verdict), "shadow", rule->shadow, "hits",
		sum(supervisor,
		    offsetof(struct counters, rule_hits) + rule->slot * sizeof(_Atomic uint64_t)),
		"shadow_hits",
		sum(supervisor,
		    offsetof(struct counters, shadow_hits) + rule->slot * sizeof(_Atomic uint64_t)),
		"over_rate",
		sum(supervisor,
		    offsetof(struct counters, over_hits) + rule->slot * sizeof(_Atomic uint64_t)),
		"text", storage, "file", rule->place.file ? rule->place.file : "", "line",
		(int)rule->place.line);
}

static void answer_rules(void *context, json_t *request, struct control_answer *answer)
{
	const struct supervisor *supervisor = context;
	const struct policy *policy = supervisor->policy;

	(void)request;
	redirect_count(context);
	for (size_t i = 0; i < policy->rule_count; i++)
		control_answer_line(answer, rule_json(supervisor, &policy->rules[i], (int)i + 1));
	control_answer_line(answer,
			    rule_json(supervisor, policy->otherwise, (int)policy->rule_count + 1));
	control_answer_end(answer, 0, NULL);
}

/* timings */

static void answer_timings(void *context, json_t *request, struct control_answer *answer)
{
	static const unsigned percents[] = { 50, 90, 99 };
	const struct supervisor *supervisor = context;
	const struct children *children = &supervisor->children;
	char name[8];

	(void)request;
	for (int i = 0; i < DURATION_COUNT; i++) {
		json_t *line = json_pack("{s:s}", "duration", duration_word((enum duration)i));

		for (size_t p = 0; p < sizeof(percents) / sizeof(*percents); p++) {
			int64_t value = counters_percentile(children->counters, children->workers,
							    (enum duration)i, percents[p]);

			snprintf(name, sizeof(name), "p%u", percents[p]);
			if (line)
				json_object_set_new(line, name,
						    value < 0 ? json_null()
							      : json_real((double)value / 1000));
		}
		control_answer_line(answer, line);
	}
	control_answer_end(answer, 0, NULL);
}

/* cut */

static void answer_cut(void *context, json_t *request, struct control_answer *answer)
{
	struct cut_order order = { .kind = ORDER_CUT };
	const char *what = NULL;
	char *end = NULL;

	if (json_unpack(request, "{s:s}", "what", &what) < 0) {
		control_answer_end(answer, 1, "cut takes all, a connection's id or an address");
		return;
	}
	order.all = strcmp(what, "all") == 0;
	if (!order.all && address_parse(&order.address, what) < 0) {
		order.id = strtoull(what, &end, 16);
		if (!order.id || *end) {
			control_answer_end(answer, 1,
					   "cut takes all, a connection's id or an address");
			return;
		}
	}
	if (cutting_order(context, &order) < 0)
		control_answer_end(answer, 1, "a worker does not take orders now; try again");
	else
		control_answer_end(answer, 0, NULL);
}

/* authority */

static void answer_authority(void *context, json_t *request, struct control_answer *answer)
{
	const struct supervisor *supervisor = context;

	(void)request;
	control_answer_line(answer, json_pack("{s:s, s:s}", "directory",
					      supervisor->children.authority_directory, "pem",
					      supervisor->children.authority_pem));
	control_answer_end(answer, 0, NULL);
}

/* refusals */

static void answer_refusals(void *context, json_t *request, struct control_answer *answer)
{
	const struct supervisor *supervisor = context;
	int64_t now = time(NULL);

	(void)request;
	for (unsigned place = 0; place < PINNED_MAX; place++) {
		struct pinned_entry entry;

		if (!pinned_read(supervisor->children.pinned, place, &entry))
			continue;
		control_answer_line(
			answer,
			json_pack("{s:s, s:s, s:s, s:s, s:i, s:I, s:I, s:I, s:o}", "device",
				  entry.device, "host", entry.name, "ja4", entry.ja4, "alert",
				  entry.alert, "refusals", (int)entry.refusals, "passed",
				  (json_int_t)entry.passed, "first", (json_int_t)entry.first,
				  "last", (json_int_t)entry.last, "until",
				  entry.until > now ? json_integer(entry.until) : json_null()));
	}
	control_answer_end(answer, 0, NULL);
}

/* console */

static void answer_console(void *context, json_t *request, struct control_answer *answer)
{
	const struct supervisor *supervisor = context;
	const struct console_settings *console = &supervisor->policy->console;
	char token[CONSOLE_TOKEN_SIZE], text[ADDRESS_TEXT];

	(void)request;
	if (!console->listen_count) {
		control_answer_end(answer, 1,
				   "the policy has no console; `console: { listen: "
				   "192.168.1.1:8090 }` with the gateway's address opens one");
		return;
	}
	if (console_token_read(supervisor->settings->state_directory, token) < 0) {
		control_answer_end(answer, 1, "there is no token; see the log");
		return;
	}
	for (size_t i = 0; i < console->listen_count; i++)
		control_answer_line(
			answer,
			json_pack("{s:s, s:s, s:s}", "scheme", console->tls ? "https" : "http", "address",
				  address_print_with_port(&console->listens[i].address, text),
				  "token", token));
	explicit_bzero(token, sizeof(token));
	control_answer_end(answer, 0, NULL);
}

static const struct control_entry entries[] = {
	{ "status", answer_status },	 { "reload", answer_reload },
	{ "rules", answer_rules },	 { "lists", answer_lists },
	{ "search", answer_search },	 { "refresh", answer_refresh },
	{ "timings", answer_timings },	 { "explain", answer_explain },
	{ "cut", answer_cut },		 { "ban", answer_ban },
	{ "unban", answer_unban },	 { "bans", answer_bans },
	{ "devices", answer_devices },	 { "authority", answer_authority },
	{ "refusals", answer_refusals }, { "renew", answer_renew },
	{ "console", answer_console },
	{ NULL, NULL },
};

/* Nothing here changes anything: what is behind a network port may look and not touch (decisions/0012). */
static const struct control_entry console_entries[] = {
	{ "status", answer_status },   { "rules", answer_rules },     { "lists", answer_lists },
	{ "search", answer_search },   { "timings", answer_timings }, { "explain", answer_explain },
	{ "bans", answer_bans },       { "devices", answer_devices }, { "refusals", answer_refusals },
	{ NULL, NULL },
};

struct control_server *answers_open_console(struct supervisor *supervisor, int channel)
{
	const struct control_settings settings = {
		.base = supervisor->base,
		.listener = -1,
		.entries = console_entries,
		.context = supervisor,
		.group = (gid_t)-1,
	};
	struct control_server *server = control_server_new(&settings);

	if (server && control_server_hear(server, channel) == 0)
		return server;
	control_server_free(server);
	return NULL;
}

struct control_server *answers_open(struct supervisor *supervisor, gid_t group)
{
	const struct control_settings settings = {
		.base = supervisor->base,
		.listener = supervisor->control_listener,
		.entries = entries,
		.context = supervisor,
		.group = group,
	};

	return control_server_new(&settings);
}
