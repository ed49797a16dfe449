#include "daemon/control/check.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/show.h"
#include "daemon/policy/check.h"
#include "daemon/policy/config.h"
#include "netfilter/plan.h"

/* The daemon takes free ports when it starts; in a plan these stand for them. */
enum { LISTENER_EXAMPLE = 61000 };

struct findings {
	bool json;
	unsigned errors;
};

static void print_json(json_t *line)
{
	char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;

	if (text)
		puts(text);
	free(text);
	json_decref(line);
}

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
		print_json(line);
		return;
	}
	show_finding(&show, line);
	json_decref(line);
}

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

/* The table's text to free(); NULL with errno. */
static char *make_plan(const struct policy *policy)
{
	bool redirect = policy->capture.method == CAPTURE_REDIRECT;
	struct ruleset *plan = calloc(1, sizeof *plan);
	char *text;

	if (!plan)
		return NULL;
	plan_make(plan, policy, redirect ? CAPTURE_REDIRECT : CAPTURE_TPROXY);
	for (size_t i = 0; i < plan->lan_count; i++)
		plan->lan[i].listener = (uint16_t)(LISTENER_EXAMPLE + i);
	text = ruleset_print(plan);
	free(plan);
	return text;
}

static int print_plan(const struct tool *tool, const struct policy *policy)
{
	char *text = make_plan(policy);

	if (!text) {
		fprintf(stderr, "headgatectl: no table can be made of this policy: %s\n",
			errno == EINVAL ? "it captures nothing" : strerror(errno));
		return STATUS_NO;
	}
	if (tool->json)
		print_json(json_pack("{ss}", "plan", text));
	else
		printf("# Ports from %d up stand for those that the daemon takes when it starts.\n"
		       "%s",
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
	print_json(json_pack("{ss}", "text", line));
}

/* Of a policy that is right. */
static int tell(const struct tool *tool, const struct policy *policy)
{
	if (tool->plan)
		return print_plan(tool, policy);
	check_policy(policy, tool->json ? print_line_json : print_line, NULL);
	return STATUS_DONE;
}

int check_file(const struct tool *tool)
{
	struct findings findings = { .json = tool->json };
	struct sources *sources = sources_read(tool->words[0]);
	struct policy *policy = sources ? config_parse(sources, report, &findings) : NULL;
	int status = policy && !findings.errors ? STATUS_DONE : STATUS_NO;

	if (!sources)
		fputs("headgatectl: out of memory\n", stderr);
	if (status == STATUS_DONE)
		status = tell(tool, policy);
	else if (!tool->json)
		printf("%s: %u error%s\n", tool->words[0], findings.errors,
		       plural(findings.errors));
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
