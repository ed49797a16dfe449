#include "daemon/supervisor/collection.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/lists/publication.h"
#include "daemon/lists/spool.h"
#include "daemon/lists/stamp.h"
#include "daemon/policy/list_guard.h"
#include "daemon/policy/list_messages.h"
#include "daemon/supervisor/compiler.h"
#include "daemon/supervisor/guards.h"
#include "daemon/supervisor/shortfall.h"
#include "daemon/text.h"

enum { GRACE_SECONDS = 5, COLLECTION_MESSAGE = SHORTFALL_TEXT + 128 };

static const char account_of_tool[] = "nobody";

struct collection {
	struct policy *policy;
	struct collection_settings settings;
	char *path;		/* of the compiled file; NULL: it is kept nowhere */
	char *stamp_path;	/* of the stamps beside it */
	char *scratch;		/* of temporary files */
	struct compiled before; /* bytes NULL: none */
	struct compile_job job;
	struct compile_list lists[LISTS_MAX];
	struct stamps seen[LISTS_MAX]; /* of before */
	struct prefix guards[GUARDS_MAX];
	struct compiler compiler;
	int64_t until;
	uint64_t room;	       /* that compiling needs in scratch */
	struct compiled after; /* what was made, in its place; bytes NULL: nothing */
};

static void say(struct collection *collection, enum severity severity, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void say(struct collection *collection, enum severity severity, const char *format, ...)
{
	struct place place = { collection->policy->sources->sources[0].name, 1, 1 };
	char message[COLLECTION_MESSAGE];
	va_list arguments;

	if (!collection->settings.report)
		return;
	va_start(arguments, format);
	vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
	collection->settings.report(collection->settings.context, severity, &place, message);
}

/* The job */

/* What was fetched comes before the owner's file, which may be older or not there at all. */
static void prefer_fetched(const struct collection *collection, struct list *list)
{
	char *path;

	if (!list->feed || !collection->settings.directory ||
	    asprintf(&path, "%s/fetched/%s/list", collection->settings.directory,
		     list->feed->name) < 0)
		return;
	for (unsigned i = 0; i < LIST_FILES; i++)
		if (list->files[i].name && access(path, R_OK) == 0) {
			free(list->files[i].name);
			list->files[i].name = path;
			return;
		}
	free(path);
}

static void open_file(const struct list *list, unsigned index, struct compile_list *compile)
{
	const struct list_file *file = &list->files[index];
	struct compile_file *opened = &compile->files[index];

	*opened = (struct compile_file){ .descriptor = -1 };
	if (!file->name)
		return;
	/* Not to wait for the other end of a pipe. */
	opened->descriptor = open(file->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (opened->descriptor >= 0)
		opened->stamp = stamp_of(opened->descriptor, &compile->options);
	else
		opened->error = errno;
}

static void open_lists(struct collection *collection)
{
	const struct policy *policy = collection->policy;

	for (size_t i = 0; i < policy->list_count; i++) {
		struct list *list = policy->lists[i];
		struct compile_list *compile = &collection->lists[i];

		prefer_fetched(collection, list);
		compile->foreign = list->feed != NULL;
		compile->guarded = list_is_guarded(policy, list);
		compile->shrink = list->shrink;
		compile->grow = list->grow;
		compile->name = list->name;
		compile->options = (struct format_options){ .format = list->format,
							    .column = list->column,
							    .code = list->code };
		for (unsigned j = 0; j < LIST_FILES; j++)
			open_file(list, j, compile);
	}
	collection->job.lists = collection->lists;
	collection->job.count = policy->list_count;
}

static void close_lists(struct collection *collection)
{
	for (size_t i = 0; i < collection->job.count; i++)
		for (unsigned j = 0; j < LIST_FILES; j++)
			if (collection->lists[i].files[j].descriptor >= 0)
				close(collection->lists[i].files[j].descriptor);
	collection->job.count = 0;
}

/* Places */

static int make_directory(const char *path, mode_t mode)
{
	return mkdir(path, mode) == 0 || errno == EEXIST ? 0 : -1;
}

/* STATE/lists is the supervisor's alone; below it the compiler has a place of its own. */
static int open_kept(struct collection *collection)
{
	const char *directory = collection->settings.directory;

	if (asprintf(&collection->path, "%s/compiled", directory) < 0)
		collection->path = NULL;
	if (asprintf(&collection->scratch, "%s/scratch", directory) < 0)
		collection->scratch = NULL;
	if (asprintf(&collection->stamp_path, "%s/stamps", directory) < 0)
		collection->stamp_path = NULL;
	if (!collection->path || !collection->scratch || !collection->stamp_path)
		return -1;
	if (make_directory(directory, 0755) < 0 || make_directory(collection->scratch, 0700) < 0)
		return -1;
	if (compiled_open(&collection->before, collection->path) < 0 && errno != ENOENT)
		say(collection, SEVERITY_WARNING,
		    "%s is not taken (%s): all lists are compiled anew", collection->path,
		    errno == EBADMSG ? "it is damaged, or of another version" : strerror(errno));
	return 0;
}

static uint64_t identity(const struct compiled *compiled)
{
	return ((const struct layout_header *)compiled->bytes)->checksum;
}

static void recall_stamps(struct collection *collection)
{
	const struct compiled *before = &collection->before;

	if (before->bytes && before->list_count <= LISTS_MAX && collection->stamp_path &&
	    stamp_file_read(collection->stamp_path, identity(before), collection->seen,
			    before->list_count))
		collection->job.seen = collection->seen;
}

/* Everything was read, and is as it was compiled: the next start need not read it again. A list that was refused
 * is read again until it is mended. */
static void remember_stamps(struct collection *collection)
{
	const struct compiled *before = &collection->before;

	if (!collection->stamp_path || !before->bytes ||
	    before->list_count != collection->policy->list_count)
		return;
	for (size_t i = 0; i < before->list_count; i++)
		for (unsigned j = 0; j < LIST_FILES; j++)
			collection->seen[i].files[j] = collection->lists[i].files[j].stamp;
	if (stamp_file_write(collection->stamp_path, identity(before), collection->seen,
			     before->list_count) < 0)
		say(collection, SEVERITY_WARNING, "%s cannot be written (%s): unchanged lists are read again",
		    collection->stamp_path, strerror(errno));
}

static int open_temporary(struct collection *collection)
{
	const char *directory = getenv("TMPDIR");

	if (asprintf(&collection->scratch, "%s/headgate-XXXXXX",
		     directory && *directory ? directory : "/tmp") < 0) {
		collection->scratch = NULL;
		return -1;
	}
	if (mkdtemp(collection->scratch))
		return 0;
	free(collection->scratch);
	collection->scratch = NULL;
	return -1;
}

static int open_output(struct collection *collection)
{
	return collection->path ? publication_open(collection->path)
				: spool_open(collection->scratch);
}

/* Nothing is left of what has no place. */
static void drop_output(struct collection *collection)
{
	if (collection->job.output >= 0)
		close(collection->job.output);
	collection->job.output = -1;
	if (collection->path)
		publication_drop(collection->path);
}

/* Lists that are as they were compiled miss nothing. */
static void note_trouble(struct collection *collection, const char *words)
{
	struct policy *policy = collection->policy;

	for (size_t i = 0; i < policy->list_count; i++) {
		struct list *list = policy->lists[i];

		if (list->trouble ||
		    (collection->before.bytes && compile_holds(&collection->job, i, &collection->before)))
			continue;
		if (asprintf(&list->trouble, "is not compiled: %s", words) < 0)
			list->trouble = NULL;
	}
}

/* For the reason in errno. */
static void fail(struct collection *collection)
{
	const char *directory = collection->settings.directory ? collection->settings.directory : collection->scratch;
	char words[SHORTFALL_TEXT];
	int reason = errno;

	/* What is half done has its room again before anybody looks how much there is. */
	drop_output(collection);
	if (collection->policy->lists_trouble)
		return;
	shortfall_print(words, reason, directory ? directory : "no temporary directory", collection->room);
	collection->policy->lists_trouble = strdup(words);
	note_trouble(collection, words);
	say(collection, SEVERITY_ERROR, "the lists cannot be compiled: %s%s", words,
	    collection->before.bytes ? "; what was compiled before stays in force" : "");
}

static void begin_compiling(struct collection *collection)
{
	const char *account = collection->settings.account;

	collection->job.directory = collection->scratch;
	collection->job.before = collection->before.bytes ? &collection->before : NULL;
	recall_stamps(collection);
	if (collection->job.before && compile_is_current(&collection->job, &collection->before))
		return;
	collection->job.output = open_output(collection);
	if (collection->job.output < 0 || compiler_start(&collection->compiler, &collection->job,
							 account ? account : account_of_tool) < 0)
		fail(collection);
	collection->until = clock_steady() + (COMPILER_SECONDS + GRACE_SECONDS) * 1000000LL;
}

struct collection *collection_begin(struct policy *policy,
				    const struct collection_settings *settings)
{
	struct collection *collection = calloc(1, sizeof *collection);
	int opened;

	if (!collection)
		return NULL;
	collection->policy = policy;
	collection->settings = *settings;
	collection->compiler.channel = -1;
	collection->job.output = -1;
	if (!policy->list_count)
		return collection;
	opened = settings->directory ? open_kept(collection) : open_temporary(collection);
	if (opened < 0) {
		fail(collection);
		return collection;
	}
	open_lists(collection);
	collection->room = compile_room(&collection->job);
	collection->job.guards = collection->guards;
	collection->job.guard_count = guards_find(policy, collection->guards);
	begin_compiling(collection);
	close_lists(collection);
	return collection;
}

/* Waiting */

int collection_descriptor(const struct collection *collection)
{
	return collection->compiler.channel;
}

int64_t collection_until(const struct collection *collection)
{
	return collection->until;
}

static void tell_report(struct collection *collection, const struct list_report *report)
{
	const struct policy *policy = collection->policy;
	struct list *list;

	if (report->list >= policy->list_count)
		return;
	list = policy->lists[report->list];
	for (unsigned i = 0; i < LIST_FILES && !list->trouble; i++)
		if (*report->files[i].refusal)
			list->trouble = strdup(report->files[i].refusal);
	for (unsigned i = 0; i < LIST_FILES && list->trouble; i++)
		collection->lists[report->list].files[i].stamp = 0;
	if (collection->settings.report)
		list_messages(list, report, collection->settings.report,
			      collection->settings.context);
}

/* What was made is looked at before it takes the place of the last good file. 0, or -1 with errno. */
static int open_made(struct collection *collection)
{
	struct compiled *after = &collection->after;

	if (compiled_open_descriptor(after, collection->job.output) < 0)
		return -1;
	if (!collection->path)
		return 0;
	compiled_close(after);
	/* Opened anew: the descriptor that others get cannot write. */
	if (publication_finish(collection->path, collection->job.output) == 0 &&
	    compiled_open(after, collection->path) == 0)
		return 0;
	after->bytes = NULL;
	return -1;
}

/* One word; true when it was not the last. */
static bool hear(struct collection *collection)
{
	struct list_report report;

	switch (compiler_hear(&collection->compiler, &report)) {
	case COMPILER_QUIET:
		if (clock_steady() < collection->until)
			return false;
		errno = ETIME;
		fail(collection);
		break;
	case COMPILER_REPORT:
		tell_report(collection, &report);
		return true;
	case COMPILER_MADE:
		if (open_made(collection) < 0)
			fail(collection);
		break;
	case COMPILER_SAME:
		remember_stamps(collection);
		break;
	case COMPILER_FAILED:
		fail(collection);
		break;
	}
	compiler_leave(&collection->compiler);
	return false;
}

bool collection_hear(struct collection *collection)
{
	while (collection->compiler.channel >= 0 && hear(collection))
		;
	return collection->compiler.channel < 0;
}

/* The end */

/* NULL when there is none, or out of memory. */
static struct compiled *choose(struct collection *collection)
{
	struct compiled *better = collection->after.bytes ? &collection->after : &collection->before;
	struct compiled *chosen = better->bytes ? malloc(sizeof *chosen) : NULL;

	if (!chosen)
		return NULL;
	*chosen = *better;
	better->bytes = NULL;
	return chosen;
}

static void end(struct collection *collection)
{
	compiler_leave(&collection->compiler);
	if (!collection->settings.directory && collection->compiler.pid > 0)
		waitpid(collection->compiler.pid, NULL, 0);
	drop_output(collection);
	if (!collection->settings.directory && collection->scratch)
		rmdir(collection->scratch);
	if (collection->before.bytes)
		compiled_close(&collection->before);
	if (collection->after.bytes)
		compiled_close(&collection->after);
	free(collection->path);
	free(collection->stamp_path);
	free(collection->scratch);
	free(collection);
}

void collection_note_end(struct collection *collection, pid_t pid, int status)
{
	compiler_note_end(&collection->compiler, pid, status);
}

static bool has_list(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->list_count; i++)
		if (strcmp(policy->lists[i]->name, name) == 0)
			return true;
	return false;
}

bool collection_lacks(const struct collection *collection, const struct policy *other)
{
	const struct policy *policy = collection->policy;
	const struct compiled *before = &collection->before;

	for (size_t i = 0; policy->lists_trouble && i < policy->list_count; i++) {
		const char *name = policy->lists[i]->name;

		if ((!before->bytes || compiled_list(before, name) == before->list_count) &&
		    !has_list(other, name))
			return true;
	}
	return false;
}

int collection_finish(struct collection *collection)
{
	struct policy *policy = collection->policy;
	int result = policy_take_lists(policy, choose(collection));

	if (result < 0 && collection->settings.report)
		collection->settings.report(
			collection->settings.context, SEVERITY_ERROR,
			&policy->authority.never_place,
			errno == E2BIG ? "\"never\" holds more than 4096 names: they all have to "
					 "stand in the authority's certificate"
				       : "out of memory");
	end(collection);
	return result;
}

int collection_load(struct policy *policy, const struct collection_settings *settings)
{
	struct collection *collection = collection_begin(policy, settings);

	if (!collection)
		return -1;
	while (!collection_hear(collection)) {
		struct pollfd wait = { .fd = collection_descriptor(collection), .events = POLLIN };
		int64_t left = (collection_until(collection) - clock_steady()) / 1000;

		poll(&wait, 1, left > 0 ? (int)left + 1 : 0);
	}
	return collection_finish(collection);
}

bool collection_is_guarding(const struct policy *policy)
{
	struct collection *asked = policy->compiled ? calloc(1, sizeof *asked) : NULL;
	bool guarding;

	if (!asked)
		return true;
	asked->job.lists = asked->lists;
	asked->job.count = policy->list_count;
	for (size_t i = 0; i < policy->list_count; i++)
		asked->lists[i].guarded = list_is_guarded(policy, policy->lists[i]);
	asked->job.guards = asked->guards;
	asked->job.guard_count = guards_find(policy, asked->guards);
	guarding = compile_is_guarding(&asked->job, policy->compiled);
	free(asked);
	return guarding;
}
