#include "daemon/control/lists.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <libgen.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/control/cell.h"
#include "daemon/control/show.h"
#include "daemon/lists/entry_text.h"
#include "daemon/lists/publication.h"
#include "daemon/lists/replay.h"
#include "daemon/lists/spool.h"
#include "daemon/supervisor/compiler.h"

enum { SHOWN = 5 }; /* entries */

struct job {
	const struct tool *tool;
	struct compile_job compile;
	struct compile_list lists[LISTS_MAX];
	char *names[LISTS_MAX];
	char *scratch;
	unsigned refused;
	struct list_report last;
};

/* A list is called as its file, up to the first dot. */
static char *name_of(const char *path)
{
	char *copy = strdup(path);
	char *name = copy ? strdup(basename(copy)) : NULL;

	free(copy);
	if (name && strcspn(name, "."))
		name[strcspn(name, ".")] = '\0';
	if (name && strlen(name) >= LAYOUT_LIST_NAME)
		name[LAYOUT_LIST_NAME - 1] = '\0';
	return name;
}

static int add_file(struct job *job, const char *path)
{
	size_t number = job->compile.count++;
	struct compile_list *list = &job->lists[number];

	job->names[number] = name_of(path);
	if (!job->names[number])
		return -1;
	list->name = job->names[number];
	list->options = (struct format_options){ .format = job->tool->format,
						 .column = job->tool->column,
						 .code = job->tool->code };
	list->files[FILE_ADDRESSES].descriptor = -1;
	list->files[FILE_NAMES].descriptor =
		open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	list->files[FILE_NAMES].error = list->files[FILE_NAMES].descriptor < 0 ? errno : 0;
	return 0;
}

static int begin(struct job *job, const struct tool *tool, int first)
{
	const char *directory = getenv("TMPDIR");

	memset(job, 0, sizeof *job);
	job->tool = tool;
	job->compile.lists = job->lists;
	job->compile.output = -1;
	for (int i = first; i < tool->word_count; i++)
		if (add_file(job, tool->words[i]))
			return -1;
	if (asprintf(&job->scratch, "%s/headgate-XXXXXX",
		     directory && *directory ? directory : "/tmp") < 0)
		job->scratch = NULL;
	if (!job->scratch || !mkdtemp(job->scratch))
		return -1;
	job->compile.directory = job->scratch;
	return 0;
}

static void end(struct job *job)
{
	for (size_t i = 0; i < job->compile.count; i++) {
		if (job->lists[i].files[FILE_NAMES].descriptor >= 0)
			close(job->lists[i].files[FILE_NAMES].descriptor);
		free(job->names[i]);
	}
	if (job->scratch)
		rmdir(job->scratch);
	free(job->scratch);
}

/* Reports, to people or to programs */

static json_t *report_json(const char *name, const struct file_report *file)
{
	json_t *bad = json_array();

	for (size_t i = 0; i < file->bad && i < REPORT_LINES; i++)
		json_array_append_new(bad,
				      json_pack("{s:i, s:s}", "line", (int)file->bad_lines[i].line,
						"why", file->bad_lines[i].why));
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:o, s:s}", "list", name, "format",
			 file->format, "compression", file->compression, "bytes",
			 (json_int_t)file->bytes, "entries", (json_int_t)file->entries, "bad",
			 (json_int_t)file->bad, "skipped", (json_int_t)file->skipped, "bad_lines",
			 bad, "refusal", file->refusal);
}

static void print_report(const char *path, const struct file_report *file, const char *code)
{
	if (*file->format)
		printf("%s: read as %s%s%s, %llu bytes: %llu entries", path, file->format,
		       *file->compression ? ", packed with " : "", file->compression,
		       (unsigned long long)file->bytes, (unsigned long long)file->entries);
	else
		printf("%s: %s", path, file->empty ? "nothing stands in it" : "not read");
	if (file->skipped && code)
		printf(", %llu others than those of %s", (unsigned long long)file->skipped, code);
	else if (file->skipped)
		printf(", %llu lines that are not about hosts", (unsigned long long)file->skipped);
	if (file->bad)
		printf(", %llu not understood", (unsigned long long)file->bad);
	putchar('\n');
	for (size_t i = 0; i < file->bad && i < REPORT_LINES; i++)
		printf("%s:%u: %s\n", path, file->bad_lines[i].line, file->bad_lines[i].why);
	if (*file->refusal)
		printf("%s %s\n", path, file->refusal);
}

static void take_report(struct job *job, const struct list_report *report, int first)
{
	const struct file_report *file = &report->files[FILE_NAMES];

	if (report->list >= job->compile.count)
		return;
	job->last = *report;
	job->refused += *file->refusal != '\0';
	if (job->tool->json)
		show_json(report_json(job->names[report->list], file));
	else
		print_report(job->tool->words[first + (int)report->list], file, job->tool->code);
}

/* The last word of the process. */
static enum compiler_word run(struct job *job, int first)
{
	struct compiler compiler = { .channel = -1 };
	enum compiler_word word = COMPILER_REPORT;
	struct list_report report;

	fflush(stdout);
	if (compiler_start(&compiler, &job->compile, "nobody") < 0)
		return COMPILER_FAILED;
	while (word == COMPILER_REPORT || word == COMPILER_QUIET) {
		struct pollfd wait = { .fd = compiler.channel, .events = POLLIN };

		poll(&wait, 1, -1);
		word = compiler_hear(&compiler, &report);
		if (word == COMPILER_REPORT)
			take_report(job, &report, first);
	}
	compiler_leave(&compiler);
	waitpid(compiler.pid, NULL, 0);
	return word;
}

static int fail(const char *what)
{
	fprintf(stderr, "headgatectl: %s: %s\n", what, strerror(errno));
	return STATUS_NO;
}

/* test */

struct sample {
	unsigned count;
	bool json;
};

static int show_entry(void *context, const struct list_entry *entry)
{
	struct sample *sample = context;
	char text[ENTRY_TEXT];

	if (sample->count++ == SHOWN)
		return -1;
	entry_print(entry, text);
	if (sample->json)
		show_json(
			json_pack("{s:s, s:i}", "entry", disarm(text), "line", (int)entry->line));
	else
		printf("  %s\n", disarm(text));
	return 0;
}

static int show_result(const struct job *job)
{
	struct sample sample = { .json = job->tool->json };
	struct compiled compiled;

	if (compiled_open_descriptor(&compiled, job->compile.output) < 0)
		return fail("what was compiled");
	if (!job->tool->json && compiled.lists[0].addresses + compiled.lists[0].names)
		printf("%llu ranges and %llu names once they are joined, for example:\n",
		       (unsigned long long)compiled.lists[0].addresses,
		       (unsigned long long)compiled.lists[0].names);
	replay_list(&compiled, 0, show_entry, &sample);
	compiled_close(&compiled);
	return job->refused ? STATUS_NO : STATUS_DONE;
}

int lists_test(const struct tool *tool)
{
	static struct job job;
	int status = STATUS_NO;

	if (begin(&job, tool, 1) == 0)
		job.compile.output = spool_open(job.scratch);
	if (job.compile.output < 0)
		status = fail("no temporary file");
	else if (run(&job, 1) != COMPILER_MADE)
		status = fail("the list cannot be compiled");
	else
		status = show_result(&job);
	if (job.compile.output >= 0)
		close(job.compile.output);
	end(&job);
	return status;
}

/* compile */

static int publish(const struct job *job, const char *path)
{
	struct compiled compiled;

	if (compiled_open_descriptor(&compiled, job->compile.output) < 0 ||
	    publication_finish(path, job->compile.output) < 0)
		return fail(path);
	if (job->tool->json)
		show_json(json_pack("{s:s, s:I, s:I}", "compiled", path, "bytes_in_memory",
				     (json_int_t)compiled_resident(&compiled), "bytes_on_disk",
				     (json_int_t)compiled.size));
	else
		printf("%s: %zu bytes, of which look-ups touch %zu\n", path, compiled.size,
		       compiled_resident(&compiled));
	compiled_close(&compiled);
	return job->refused ? STATUS_NO : STATUS_DONE;
}

int lists_compile(const struct tool *tool)
{
	static struct job job;
	const char *path = tool->words[1];
	int status = STATUS_NO;

	if (begin(&job, tool, 2) == 0)
		job.compile.output = publication_open(path);
	if (job.compile.output < 0) {
		status = fail(path);
	} else {
		if (run(&job, 2) == COMPILER_MADE)
			status = publish(&job, path);
		else
			status = fail("the lists cannot be compiled");
		publication_drop(path);
		close(job.compile.output);
	}
	end(&job);
	return status;
}
