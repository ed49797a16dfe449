#include "daemon/lists/compile.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/lists/builder.h"
#include "daemon/lists/list_read.h"
#include "daemon/lists/replay.h"
#include "daemon/lists/shares.h"
#include "daemon/lists/stamp.h"

/* Bytes on the disk that compiling takes at its peak, for each of lists of short lines. */
enum { ROOM_TIMES = 3 };

/* One list on its way. */
struct filling {
	struct list_builder *builder;
	const struct compile_list *list;
	struct shares *shares;
	size_t index; /* of the list */
	struct list_report *report;
	struct file_report *file; /* the one being read */
	bool addresses_only;
	uint32_t first_line; /* of the file being read */
	uint32_t last_line;
	uint64_t entries; /* of all its files */
	int error;	  /* errno of the builder, for reading ends with another; 0 */
};

static void refuse(struct file_report *file, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void refuse(struct file_report *file, const char *format, ...)
{
	int begun = snprintf(file->refusal, sizeof file->refusal, "is refused: ");
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(file->refusal + begun, sizeof file->refusal - (size_t)begun, format, arguments);
	va_end(arguments);
}

static void give_up(struct file_report *file, int error)
{
	snprintf(file->refusal, sizeof file->refusal, "cannot be read: %s", strerror(error));
}

/* Identity */

static uint64_t guards_digest(const struct compile_job *job)
{
	static const uint8_t no_seed[HASH_SEED];
	bool needed = false;
	struct hash hash;

	hash_begin(&hash, no_seed);
	for (size_t i = 0; i < job->count; i++) {
		hash_add(&hash, &job->lists[i].guarded, sizeof job->lists[i].guarded);
		needed |= job->lists[i].guarded;
	}
	if (!needed || !job->guard_count)
		return 0;
	for (size_t i = 0; i < job->guard_count; i++) {
		const struct prefix *guard = &job->guards[i];

		hash_add(&hash, guard->base.bytes, address_width(&guard->base));
		hash_add(&hash, &guard->length, sizeof guard->length);
	}
	return hash_value(&hash);
}

static bool has_file(const struct compile_file *file)
{
	return file->descriptor >= 0 || file->error;
}

static bool is_known(uint64_t stamp, uint64_t before, uint64_t seen)
{
	return stamp && (stamp == before || stamp == seen);
}

static bool is_current(const struct compile_list *list, const struct layout_list *before,
		       const struct stamps *seen)
{
	if (strcmp(list->name, before->name) != 0)
		return false;
	for (unsigned i = 0; i < LIST_FILES; i++) {
		const struct compile_file *file = &list->files[i];

		if (has_file(file) &&
		    !is_known(file->stamp, before->files[i].stamp, seen ? seen->files[i] : 0))
			return false;
		if (!has_file(file) && before->files[i].digest)
			return false;
	}
	return true;
}

bool compile_is_guarding(const struct compile_job *job, const struct compiled *compiled)
{
	const struct layout_header *header = compiled->bytes;

	/* Without any address of ours the network is not up yet: what was guarded before still is. */
	return !job->guard_count || header->guards == guards_digest(job);
}

static bool same_shape(const struct compile_job *job, const struct compiled *compiled)
{
	return compiled->list_count == job->count && compile_is_guarding(job, compiled);
}

bool compile_is_current(const struct compile_job *job, const struct compiled *compiled)
{
	if (!same_shape(job, compiled))
		return false;
	for (size_t i = 0; i < job->count; i++)
		if (!is_current(&job->lists[i], &compiled->lists[i],
				job->seen ? &job->seen[i] : NULL))
			return false;
	return true;
}

bool compile_holds(const struct compile_job *job, size_t list, const struct compiled *compiled)
{
	unsigned number = compiled_list(compiled, job->lists[list].name);

	return number < compiled->list_count && is_current(&job->lists[list], &compiled->lists[number],
							   job->seen ? &job->seen[number] : NULL);
}

uint64_t compile_room(const struct compile_job *job)
{
	uint64_t bytes = 0;
	struct stat status;

	for (size_t i = 0; i < job->count; i++)
		for (unsigned j = 0; j < LIST_FILES; j++)
			if (fstat(job->lists[i].files[j].descriptor, &status) == 0)
				bytes += (uint64_t)status.st_size;
	return bytes * ROOM_TIMES;
}

/* Reading */

static int build(struct filling *filling, const struct list_entry *entry)
{
	if (list_builder_add(filling->builder, entry) == 0)
		return 0;
	filling->error = errno;
	return -1;
}

static int take(void *context, const struct list_entry *entry)
{
	struct filling *filling = context;
	struct list_entry moved;

	if (filling->addresses_only && entry->kind == ENTRY_NAME) {
		filling->file->names_left_out++;
		return 0;
	}
	if (filling->entries++ == COMPILE_ENTRIES_MAX) {
		refuse(filling->file, "it holds more than %d entries", COMPILE_ENTRIES_MAX);
		return -1;
	}
	filling->file->entries++;
	filling->last_line = filling->first_line + entry->line;
	if (!filling->first_line)
		return build(filling, entry);
	moved = *entry;
	moved.line = filling->last_line;
	return build(filling, &moved);
}

static void note_reading(struct file_report *file, const struct list_reading *reading)
{
	const struct format_report *report = &reading->report;

	file->bytes = reading->bytes;
	file->bad = report->bad;
	file->skipped = report->skipped;
	snprintf(file->format, sizeof file->format, "%s", report->format);
	snprintf(file->compression, sizeof file->compression, "%s", reading->compression);
	for (size_t i = 0; i < report->bad && i < REPORT_LINES; i++) {
		file->bad_lines[i].line = report->bad_lines[i].line;
		snprintf(file->bad_lines[i].why, REPORT_WHY, "%s", report->bad_lines[i].why);
	}
}

/* A word that means nothing is never passed over in silence. */
static void judge_options(struct file_report *file, const struct format_options *options)
{
	bool csv = strcmp(file->format, "csv") == 0;

	if (options->column && !csv)
		refuse(file, "\"column\" goes with a csv, but this is read as %s", file->format);
	else if (options->code && !csv && strcmp(file->format, "mmdb") != 0)
		refuse(file, "\"code\" goes with a csv or mmdb, but this is read as %s",
		       file->format);
}

static void judge(struct filling *filling, enum format_verdict verdict,
		  const struct list_reading *reading)
{
	const struct compile_list *list = filling->list;
	struct file_report *file = filling->file;
	int reason = errno;

	note_reading(file, reading);
	file->empty = reading->report.empty && !list->options.code && !list->options.column &&
		      !list->foreign;
	if (*file->refusal)
		return;
	if (verdict == FORMAT_STOPPED)
		give_up(file, reason);
	else if (verdict == FORMAT_REFUSED && !file->empty)
		refuse(file, "%s", reading->report.refusal);
	else if (!file->empty)
		judge_options(file, &list->options);
	if (!*file->refusal && filling->addresses_only && file->names_left_out && !file->entries)
		refuse(file, "it holds names and no addresses; give it as \"names\"");
}

static enum layout_file_kind kind_of(const struct list_reading *reading)
{
	if (!format_is_text(reading->report.format))
		return FILE_OF_ENTRIES;
	return *reading->compression ? FILE_OF_PACKED_LINES : FILE_OF_LINES;
}

/* The stamp is of before the file is read, so that a change meanwhile shows the next time. */
static enum format_verdict read_entries(struct filling *filling, const struct compile_file *file,
					struct list_reading *reading, uint64_t *stamp)
{
	const struct format_options *options = &filling->list->options;

	if (shares_hold(filling->shares, filling->index))
		return shares_read(filling->shares, filling->index, take, filling, reading, stamp);
	*stamp = stamp_settled(file->descriptor, options);
	return list_read(file->descriptor, options, COMPILE_FILE_MAX, take, filling, reading);
}

static void read_file(struct filling *filling, const struct compile_file *file,
		      struct layout_file *note)
{
	struct file_report *report = filling->file;
	struct list_reading reading;
	enum format_verdict verdict;
	struct stat status;
	uint64_t stamp;

	report->absent = file->descriptor < 0 && file->error == ENOENT;
	if (file->descriptor < 0)
		give_up(report, file->error);
	else if (fstat(file->descriptor, &status) || !S_ISREG(status.st_mode))
		refuse(report, "it is not a regular file");
	else if (status.st_size > COMPILE_FILE_MAX)
		refuse(report, "it is larger than %d MB", COMPILE_FILE_MAX >> 20);
	else if (lseek(file->descriptor, 0, SEEK_SET) < 0)
		give_up(report, errno);
	if (*report->refusal)
		return;
	filling->first_line = filling->last_line;
	verdict = read_entries(filling, file, &reading, &stamp);
	judge(filling, verdict, &reading);
	*note = (struct layout_file){
		.digest = stamp_finish(&reading.digest, &filling->list->options),
		.stamp = stamp,
		.bad = report->bad + report->names_left_out,
		.first_line = filling->first_line,
		.kind = kind_of(&reading),
	};
}

/* Bounds */

static const struct layout_list *list_before(const struct compile_job *job, const char *name)
{
	unsigned number = job->before ? compiled_list(job->before, name) : 0;

	return job->before && number < job->before->list_count ? &job->before->lists[number] : NULL;
}

/* A feed that loses most of its entries, or is suddenly ten times as long, is a mistake of its
 * publisher's more often than not. */
static void judge_size(struct filling *filling, const struct layout_list *before)
{
	const struct compile_list *list = filling->list;
	uint64_t was = before ? before->entries : 0;
	uint64_t now = filling->entries;

	if (was < COMPILE_BOUNDS_FROM || *filling->file->refusal)
		return;
	if (list->shrink && now * 100 < was * (100 - list->shrink))
		refuse(filling->file,
		       "it has shrunk from %llu to %llu entries; \"shrink: %u\" is the most",
		       (unsigned long long)was, (unsigned long long)now, list->shrink);
	else if (list->grow && now * 100 > was * (100 + (uint64_t)list->grow))
		refuse(filling->file,
		       "it has grown from %llu to %llu entries; \"grow: %u\" is the most",
		       (unsigned long long)was, (unsigned long long)now, list->grow);
}

/* Lists */

static int set_guards(struct list_builder *builder, const struct compile_job *job, bool wanted)
{
	list_builder_unguard(builder);
	for (size_t i = 0; wanted && i < job->guard_count; i++)
		if (list_builder_guard(builder, &job->guards[i]))
			return -1;
	return 0;
}

static bool is_refused(const struct list_report *report)
{
	for (unsigned i = 0; i < LIST_FILES; i++)
		if (*report->files[i].refusal)
			return true;
	return false;
}

static void read_files(struct filling *filling, const struct compile_job *job)
{
	struct layout_list *note = list_builder_note(filling->builder);

	for (unsigned i = 0; i < LIST_FILES && !filling->error; i++) {
		const struct compile_file *file = &filling->list->files[i];

		if (!has_file(file))
			continue;
		filling->file = &filling->report->files[i];
		filling->file->given = true;
		filling->addresses_only = i == FILE_ADDRESSES;
		read_file(filling, file, &note->files[i]);
	}
	if (filling->file)
		judge_size(filling, list_before(job, filling->list->name));
	note->entries = filling->entries;
	note->read = time(NULL);
}

static void note_guarded(struct list_report *report, const struct list_tally *tally)
{
	report->guarded = tally->refused;
	report->guarded_line = tally->refused_lines[0];
}

/* The time before is as good as its files: what was noted of them stays, too. */
static int keep_before(struct filling *filling, const struct compile_job *job)
{
	const struct layout_list *before = list_before(job, filling->list->name);
	struct layout_list *note = list_builder_note(filling->builder);
	int result = list_builder_abandon(filling->builder);

	filling->report->outcome = before ? LIST_KEPT : LIST_LOST;
	memset(note->files, 0, sizeof note->files);
	note->entries = 0;
	note->read = 0;
	if (!before || result)
		return result;
	filling->report->since = note->read = before->read;
	note->entries = before->entries;
	memcpy(note->files, before->files, sizeof note->files);
	return replay_list(job->before, (unsigned)(before - job->before->lists), list_builder_add,
			   filling->builder);
}

static int compile_list(struct list_builder *builder, const struct compile_job *job,
			struct shares *shares, size_t index, struct list_report *report)
{
	const struct compile_list *list = &job->lists[index];
	struct filling filling = {
		.builder = builder, .list = list, .shares = shares, .index = index, .report = report
	};
	int number = list_builder_begin(builder, list->name);

	memset(report, 0, sizeof *report);
	report->list = (uint32_t)index;
	if (number < 0 || set_guards(builder, job, list->guarded))
		return -1;
	read_files(&filling, job);
	if (filling.error) {
		errno = filling.error;
		return -1;
	}
	note_guarded(report, list_builder_tally(builder, number));
	return is_refused(report) ? keep_before(&filling, job) : 0;
}

static bool same_files(const struct layout_list *a, const struct layout_list *b)
{
	for (unsigned i = 0; i < LIST_FILES; i++)
		if (a->files[i].digest != b->files[i].digest)
			return false;
	return strcmp(a->name, b->name) == 0;
}

/* What is the same is not written again: flash wears. */
static bool is_same(const struct compile_job *job, const struct layout_list *notes)
{
	if (!job->before || !same_shape(job, job->before))
		return false;
	for (size_t i = 0; i < job->count; i++)
		if (!same_files(&notes[i], &job->before->lists[i]))
			return false;
	return true;
}

/* Reads all lists; -1 with errno. */
static int fill(struct list_builder *builder, const struct compile_job *job, compile_report *report,
		void *context)
{
	struct shares *shares = shares_new(job);
	struct list_report each;
	int result = shares ? 0 : -1;

	for (size_t i = 0; i < job->count && result == 0; i++) {
		result = compile_list(builder, job, shares, i, &each);
		if (result == 0)
			report(context, &each);
	}
	shares_free(shares);
	return result;
}

enum compile_answer compile_lists(const struct compile_job *job, compile_report *report,
				  void *context)
{
	struct list_builder *builder = list_builder_new(job->directory);
	enum compile_answer answer = COMPILE_FAILED;

	if (!builder)
		return COMPILE_FAILED;
	if (fill(builder, job, report, context) == 0) {
		if (is_same(job, list_builder_notes(builder)))
			answer = COMPILE_SAME;
		else if (list_builder_write(builder, guards_digest(job), job->output) == 0)
			answer = COMPILE_MADE;
	}
	list_builder_free(builder);
	return answer;
}
