#include "daemon/control/check.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/show.h"
#include "daemon/policy/check.h"
#include "daemon/policy/config.h"
#include "daemon/supervisor/collection.h"
#include "netfilter/plan_print.h"
#include "netfilter/ruleset.h"

/* The daemon takes free ports when it starts; in a plan these stand for them. */
enum { LISTENER_EXAMPLE = 61000 };

struct findings {
	bool json;
	unsigned errors;
};

static json_t *finding_json(const char *severity, const struct place *place, const char *message)
{
	if (!place || !place->file)
		return json_pack("{ss ss}", "severity", severity, "message", message);
	return json_pack("{ss ss si si ss}", "severity", severity, "file", place->file, "line",
			 (int)place->line, "column", (int)place->column, "message", message);
}

/* A message may repeat the file's own bytes; what is no UTF-8 is told without them. */
static void report(void *context, enum severity severity, const struct place *place,
		   const char *message)
{
	struct findings *findings = context;
	const char *word = severity == SEVERITY_ERROR ? "error" : "warning";
	json_t *line = finding_json(word, place, message);
	struct show show = { .line = show_finding };

	if (severity == SEVERITY_ERROR)
		findings->errors++;
	if (!line)
		line = finding_json(word, NULL, "a message that is not UTF-8");
	if (findings->json) {
		show_json(line);
		return;
	}
	show_finding(&show, line);
	json_decref(line);
}

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

/* As on a gateway whose kernel has a queue. */
static bool has_packet_door(const struct policy *policy)
{
	const struct capture *capture = &policy->capture;
	struct marks marks;

	return capture->method != CAPTURE_REDIRECT &&
	       marks_choose(&marks, capture->mark, capture->mark_mask);
}

/* The table's text to free(); NULL with errno. */
static char *make_table(const struct policy *policy, const struct plan *plan,
			const struct list_mark *mark)
{
	bool redirect = policy->capture.method == CAPTURE_REDIRECT;
	struct ruleset ruleset;
	struct plan_text rules;
	char *text = NULL;

	ruleset_from_policy(&ruleset, policy, redirect ? CAPTURE_REDIRECT : CAPTURE_TPROXY);
	for (size_t i = 0; i < ruleset.lan_count; i++)
		ruleset.lan[i].listener = (uint16_t)(LISTENER_EXAMPLE + i);
	if (plan_text_begin(&rules, plan, mark) == 0) {
		ruleset.objects = rules.objects;
		ruleset.rules = rules.rules;
		ruleset.guards = rules.guards;
		ruleset.list_mask = mark->signatures->count ? mark->mask : 0;
		ruleset.queue = has_packet_door(policy) ? QUEUE_NATIVE : QUEUE_NOT_AT_ALL;
		ruleset.queues = plan_watches(plan);
		text = ruleset_print(&ruleset);
	}
	plan_text_end(&rules);
	return text;
}

static int print_table(const struct tool *tool, const struct policy *policy,
		       const struct plan *plan, const struct signatures *signatures)
{
	const struct list_mark mark = { signatures, policy->capture.list_mask };
	char *text = make_table(policy, plan, &mark);

	if (!text) {
		fprintf(stderr, "headgatectl: no table can be made of this policy: %s\n",
			errno == EINVAL	 ? "it captures nothing"
			: errno == E2BIG ? "its rules name too many addresses; put them into lists"
					 : strerror(errno));
		return STATUS_NO;
	}
	if (tool->json)
		show_json(json_pack("{ss}", "plan", text));
	else
		printf("# Ports from %d up stand for those that the daemon takes when it starts. "
		       "Windows of time\n"
		       "# are looked at now; the daemon prints the table again when one opens or "
		       "closes.\n%s",
		       LISTENER_EXAMPLE, text);
	free(text);
	return STATUS_DONE;
}

static void print_line(void *context, const char *line)
{
	(void)context;
	puts(line);
}

static void print_line_json(void *context, const char *line)
{
	(void)context;
	show_json(json_pack("{ss}", "text", line));
}

/* Where each rule is carried out, in their order. */
static void tell_places(const struct plan *plan, check_line *line)
{
	char storage[CHECK_LINE];
	struct text text;

	for (size_t i = 0; i < plan->count; i++) {
		const struct step *step = &plan->steps[i];

		text_begin(&text, storage, sizeof(storage));
		if (step->rule->slot)
			text_addf(&text, "%s:%u: \"%s\" is decided ", step->rule->place.file,
				  step->rule->place.line, step->rule->name);
		else
			text_add(&text, i ? "what no rule matches is decided " : "everything is decided ");
		plan_print_place(plan, step, &text);
		line(NULL, storage);
		if (step->reason == PLAN_ALWAYS && plan->gate)
			break;
	}
	if (!plan_proxies(plan))
		line(NULL, "nothing goes through a worker: the kernel carries all that passes");
}

static int tell_plan(const struct tool *tool, const struct policy *policy,
		     const struct signatures *signatures, bool lists)
{
	struct kernel_view view = {
		.now = week_time_at(time(NULL)),
		.lists = lists,
		.packet_door = has_packet_door(policy),
	};
	struct plan *plan = plan_new(policy, &view);
	check_line *line = tool->json ? print_line_json : print_line;
	int status = STATUS_DONE;

	if (!plan) {
		fputs("headgatectl: out of memory\n", stderr);
		return STATUS_NO;
	}
	if (tool->plan) {
		status = print_table(tool, policy, plan, signatures);
	} else {
		check_policy(policy, line, NULL);
		tell_places(plan, line);
	}
	plan_free(plan);
	return status;
}

/* Of a policy that is right. */
static int tell(const struct tool *tool, const struct policy *policy)
{
	struct signatures signatures = { 0 };
	bool lists = policy->lists_in != LISTS_IN_DAEMON && policy_asks_lists(policy) &&
		     signatures_take(&signatures, policy) == 0;
	int status = tell_plan(tool, policy, &signatures, lists);

	signatures_end(&signatures);
	return status;
}

static struct policy *parse(const struct tool *tool, struct findings *findings)
{
	struct sources *sources = sources_read(tool->words[0]);

	if (!sources)
		fputs("headgatectl: out of memory\n", stderr);
	return sources ? config_parse(sources, report, findings) : NULL;
}

static void tell_errors(const struct tool *tool, const struct findings *findings)
{
	if (!tool->json)
		printf("%s: %u error%s\n", tool->words[0], findings->errors,
		       plural(findings->errors));
}

struct policy *check_read(const struct tool *tool)
{
	struct findings findings = { .json = tool->json };
	struct policy *policy = parse(tool, &findings);

	if (!policy)
		tell_errors(tool, &findings);
	return policy;
}

int check_file(const struct tool *tool)
{
	struct findings findings = { .json = tool->json };
	const struct collection_settings lists = { .report = report, .context = &findings };
	struct policy *policy = parse(tool, &findings);
	int status = STATUS_NO;

	if (policy && collection_load(policy, &lists) < 0)
		findings.errors++;
	if (policy && !findings.errors)
		status = tell(tool, policy);
	else
		tell_errors(tool, &findings);
	policy_release(policy);
	return status;
}

static void write_out(void *context, const char *bytes, size_t length)
{
	fwrite(bytes, 1, length, context);
}

int check_schema(const struct tool *tool)
{
	(void)tool;
	config_schema(write_out, stdout);
	return fflush(stdout) ? STATUS_NO : STATUS_DONE;
}
