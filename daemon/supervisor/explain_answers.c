#include "daemon/supervisor/explain_answers.h"

#include <jansson.h>
#include <string.h>
#include <time.h>

#include "daemon/control/server.h"
#include "daemon/policy/explain.h"
#include "daemon/supervisor/supervision.h"
#include "netfilter/plan_print.h"

struct question {
	struct facts facts;
	const struct device *device;
	const char *host;
	const char *method;
	const char *path;
	char name[NAME_SIZE]; /* the host as the judge compares it */
	char target[TARGET_MAX];
};

static const struct device *find_device(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->device_count; i++)
		if (strcmp(policy->devices[i].name, name) == 0)
			return &policy->devices[i];
	return NULL;
}

static bool read_device(const struct policy *policy, const char *text, struct question *question)
{
	static uint8_t mac[6];

	if (mac_parse(mac, text) == 0) {
		question->facts.mac = mac;
		return true;
	}
	if (address_parse(&question->facts.client, text) == 0)
		return true;
	question->device = find_device(policy, text);
	if (!question->device)
		return false;
	if (question->device->prefix_count)
		question->facts.client = question->device->prefixes[0].base;
	if (question->device->mac_count)
		question->facts.mac = question->device->macs[0];
	return true;
}

static bool read_destination(const char *text, struct address *destination)
{
	if (address_parse_with_port(destination, text) == 0)
		return true;
	if (address_parse(destination, text) < 0)
		return false;
	destination->port = 443;
	return true;
}

/* As a browser's address line gives it: any case, with a dot at the end, or an address. */
static bool read_host(struct question *question)
{
	struct address literal;

	if (!question->host)
		return true;
	if (name_canonical(question->host, strlen(question->host), question->name))
		question->host = question->name;
	else if (address_parse(&literal, question->host) < 0)
		return false;
	return true;
}

/* What stands behind the question mark is the query. */
static bool read_path(struct question *question)
{
	char *mark;

	if (!question->path)
		return true;
	if (question->path[0] != '/' || strlen(question->path) >= sizeof(question->target))
		return false;
	strcpy(question->target, question->path);
	mark = strchr(question->target, '?');
	if (mark) {
		*mark = '\0';
		question->facts.query = mark + 1;
	}
	question->path = question->target;
	return true;
}

static void fill_question(struct question *question)
{
	struct facts *facts = &question->facts;

	facts->learned = MOMENT_ADDRESSES;
	facts->transport = TRANSPORT_TCP;
	facts->time = week_time_at(time(NULL));
	if (!question->host)
		return;
	facts->learned |= MOMENT_HELLO;
	facts->host = question->host;
	facts->protocol = facts->destination.port == 80 ? PROTOCOL_HTTP : PROTOCOL_TLS;
	facts->tls_version = facts->protocol == PROTOCOL_TLS ? 0x0304 : 0;
	if (facts->protocol == PROTOCOL_HTTP)
		facts->learned |= MOMENT_CERTIFICATE;
	if (!question->method)
		return;
	facts->learned |= MOMENT_CERTIFICATE | MOMENT_REQUEST;
	facts->method = question->method;
	facts->path = question->path ? question->path : "/";
}

static void answer_line(void *context, const char *line)
{
	control_answer_line(context, json_pack("{s:s}", "text", line));
}

/* Whether the kernel gives this verdict or a worker does. */
static void explain_place(const struct plan *plan, const struct facts *facts,
			  struct control_answer *answer)
{
	const struct step *step = plan_find(plan, facts);
	char storage[EXPLAIN_LINE];
	struct text text;

	text_begin(&text, storage, sizeof(storage));
	text_add(&text, "where: ");
	if (!plan_captures(plan, facts))
		text_addf(&text, "nowhere: port %u is not captured", facts->destination.port);
	else
		plan_print_place(plan, step, &text);
	if (step->rule->slot && step->action == PLAN_PROXY)
		text_addf(&text, " (\"%s\")", step->rule->name);
	answer_line(answer, storage);
}

void answer_explain(void *context, json_t *request, struct control_answer *answer)
{
	const struct supervisor *supervisor = context;
	const char *device = NULL, *destination = NULL;
	struct question question = { .host = NULL };

	if (json_unpack(request, "{s:s, s:s, s?s, s?s, s?s}", "device", &device, "destination",
			&destination, "host", &question.host, "method", &question.method, "path",
			&question.path) < 0) {
		control_answer_end(answer, 1,
				   "explain takes DEVICE DESTINATION [HOST [METHOD PATH]]");
	} else if (!read_device(supervisor->policy, device, &question)) {
		control_answer_end(answer, 1,
				   "the device is no address, no MAC and not defined "
				   "under `devices`");
	} else if (!read_destination(destination, &question.facts.destination)) {
		control_answer_end(answer, 1,
				   "the destination is not an address like 192.0.2.1, "
				   "192.0.2.1:443 or [2001:db8::1]:443");
	} else if (!read_host(&question)) {
		control_answer_end(answer, 1, "the host is no name like www.example.com");
	} else if (!read_path(&question)) {
		control_answer_end(answer, 1, "the path does not begin with /, or is too long");
	} else {
		fill_question(&question);
		explain_policy(supervisor->policy, &question.facts, answer_line, answer);
		explain_place(supervisor->plan, &question.facts, answer);
		control_answer_end(answer, 0, NULL);
	}
}
