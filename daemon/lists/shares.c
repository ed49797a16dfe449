#include "daemon/lists/shares.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <sys/stat.h>

#include "daemon/lists/spool.h"
#include "daemon/lists/stamp.h"

enum { HEAD = offsetof(struct list_entry, name) };

/* What waits for one list. */
struct part {
	struct share *share; /* NULL: its file is its own */
	struct spool entries;
	uint64_t count; /* what belongs to it */
	uint64_t kept;	/* at most one more than a list may hold: its reader has to see that */
	uint64_t stamp;
};

/* A file, and who takes parts of it: the same places in both arrays. */
struct share {
	struct shares *shares;
	struct stat file;
	size_t count;
	size_t lists[LISTS_MAX];
	const char *codes[LISTS_MAX];
	bool is_read;
	enum format_verdict verdict;
	int error;
	struct list_reading reading;
};

struct shares {
	const struct compile_job *job;
	struct part parts[LISTS_MAX];
	struct share *shares[LISTS_MAX]; /* the first list of each has its */
};

/* Finding */

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool can_share(const struct compile_list *list, struct stat *file)
{
	return list->options.code && list->files[FILE_NAMES].descriptor < 0 &&
	       !list->files[FILE_NAMES].error &&
	       fstat(list->files[FILE_ADDRESSES].descriptor, file) == 0 && S_ISREG(file->st_mode) &&
	       file->st_size <= COMPILE_FILE_MAX;
}

static bool is_shared_by(const struct share *share, const struct compile_list *list,
			 const struct stat *file)
{
	const struct compile_list *first = &share->shares->job->lists[share->lists[0]];

	return share->file.st_dev == file->st_dev && share->file.st_ino == file->st_ino &&
	       same_text(first->options.format, list->options.format) &&
	       same_text(first->options.column, list->options.column);
}

static struct share *find_share(const struct shares *shares, const struct compile_list *list,
				const struct stat *file)
{
	for (size_t i = 0; i < shares->job->count; i++)
		if (shares->shares[i] && is_shared_by(shares->shares[i], list, file))
			return shares->shares[i];
	return NULL;
}

static int join(struct shares *shares, size_t list)
{
	const struct compile_list *joining = &shares->job->lists[list];
	struct stat file;
	struct share *share;

	if (!can_share(joining, &file))
		return 0;
	share = find_share(shares, joining, &file);
	if (!share) {
		share = shares->shares[list] = calloc(1, sizeof *share);
		if (!share)
			return -1;
		share->shares = shares;
		share->file = file;
	}
	share->lists[share->count] = list;
	share->codes[share->count++] = joining->options.code;
	shares->parts[list].share = share;
	return 0;
}

struct shares *shares_new(const struct compile_job *job)
{
	struct shares *shares = calloc(1, sizeof *shares);

	if (!shares)
		return NULL;
	shares->job = job;
	for (size_t i = 0; i < job->count; i++)
		spool_begin(&shares->parts[i].entries);
	for (size_t i = 0; i < job->count; i++)
		if (join(shares, i) < 0) {
			shares_free(shares);
			return NULL;
		}
	return shares;
}

void shares_free(struct shares *shares)
{
	if (!shares)
		return;
	for (size_t i = 0; i < shares->job->count; i++) {
		spool_end(&shares->parts[i].entries);
		free(shares->shares[i]);
	}
	free(shares);
}

bool shares_hold(const struct shares *shares, size_t list)
{
	return shares->parts[list].share && shares->parts[list].share->count > 1;
}

/* Reading */

static size_t size_of(const struct list_entry *entry)
{
	return HEAD + (entry->kind == ENTRY_NAME ? strlen(entry->name) + 1 : 0);
}

/* As it lies in memory, behind its size: nobody else will read it. */
static int keep(void *context, const struct list_entry *entry)
{
	struct share *share = context;
	struct part *part = &share->shares->parts[share->lists[entry->part]];
	const char *directory = share->shares->job->directory;
	uint16_t size = (uint16_t)size_of(entry);

	part->count++;
	if (part->kept > COMPILE_ENTRIES_MAX)
		return 0;
	part->kept++;
	if (spool_write(&part->entries, directory, &size, sizeof size) == 0 &&
	    spool_write(&part->entries, directory, entry, size) == 0)
		return 0;
	share->error = errno;
	return -1;
}

static void read_share(struct share *share)
{
	const struct compile_list *lists = share->shares->job->lists;
	struct format_options options = lists[share->lists[0]].options;

	for (size_t i = 0; i < share->count; i++) {
		const struct compile_list *list = &lists[share->lists[i]];

		share->shares->parts[share->lists[i]].stamp =
			stamp_settled(list->files[FILE_ADDRESSES].descriptor, &list->options);
	}
	options.codes = share->codes;
	options.code_count = share->count;
	share->verdict = list_read(lists[share->lists[0]].files[FILE_ADDRESSES].descriptor, &options,
				   COMPILE_FILE_MAX, keep, share, &share->reading);
	if (share->verdict == FORMAT_STOPPED && !share->error)
		share->error = errno;
	share->is_read = true;
}

/* What waits, on its way back. */
struct replay {
	const struct spool *spool;
	uint64_t offset; /* of what comes behind the buffer */
	size_t held, next;
	uint8_t buffer[SPOOL_BUFFER];
};

static int fetch(struct replay *replay, void *bytes, size_t size)
{
	uint8_t *place = bytes;

	while (size) {
		size_t part = replay->held - replay->next;

		if (!part) {
			long got = spool_read(replay->spool, replay->offset, replay->buffer, SPOOL_BUFFER);

			if (got <= 0)
				return -1;
			replay->offset += (uint64_t)got;
			replay->next = 0;
			replay->held = part = (size_t)got;
		}
		part = MIN(part, size);
		memcpy(place, replay->buffer + replay->next, part);
		replay->next += part;
		place += part;
		size -= part;
	}
	return 0;
}

static int give_back(const struct part *part, entry_sink *sink, void *context)
{
	struct replay replay = { .spool = &part->entries };
	struct list_entry entry = { 0 };
	uint16_t size;

	for (uint64_t i = 0; i < part->kept; i++)
		if (fetch(&replay, &size, sizeof size) < 0 || fetch(&replay, &entry, size) < 0 ||
		    sink(context, &entry) != 0)
			return -1;
	return 0;
}

enum format_verdict shares_read(struct shares *shares, size_t list, entry_sink *sink, void *context,
				struct list_reading *reading, uint64_t *stamp)
{
	struct part *part = &shares->parts[list];
	struct share *share = part->share;
	enum format_verdict verdict;

	if (!share->is_read)
		read_share(share);
	*reading = share->reading;
	*stamp = part->stamp;
	verdict = share->verdict;
	if (verdict == FORMAT_TAKEN) {
		reading->report.skipped += reading->report.entries - part->count;
		reading->report.entries = part->count;
		verdict = format_report_judge(&reading->report);
	}
	if (verdict == FORMAT_TAKEN && give_back(part, sink, context) < 0) {
		share->error = errno;
		verdict = FORMAT_STOPPED;
	}
	spool_end(&part->entries);
	spool_begin(&part->entries);
	errno = share->error;
	return verdict;
}
