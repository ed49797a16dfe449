#include "daemon/control/metrics.h"

#include <stdio.h>

#include "daemon/control/call.h"
#include "daemon/control/exposition.h"

static void collect(void *context, json_t *line, const char *text)
{
	(void)text;
	json_array_append(context, line);
}

static int ask(const struct tool *tool, const char *question, json_t *lines)
{
	char message[CALL_MESSAGE];
	struct call call = {
		.run_directory = tool->run_directory,
		.socket = "control",
		.line = collect,
		.context = lines,
	};
	int status = call_make(&call, json_pack("{ss}", "command", question), message);

	if (status)
		fprintf(stderr, "headgatectl: %s\n", message);
	return status;
}

int metrics_print(const struct tool *tool)
{
	json_t *answers = json_object();
	int status = STATUS_DONE;

	for (size_t i = 0; i < EXPOSITION_QUESTIONS && !status; i++) {
		json_t *lines = json_array();

		json_object_set_new(answers, exposition_questions[i], lines);
		status = ask(tool, exposition_questions[i], lines);
	}
	if (!status)
		exposition_print(answers, stdout);
	json_decref(answers);
	return status;
}
