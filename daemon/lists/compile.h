/* All lists of a policy into one compiled file. What cannot be read or must not be trusted keeps
 * the entries it had in the file before. Hostile bytes are read here: the daemon does it in a
 * process of its own (daemon/supervisor/compiler.h). */
#pragma once

#include "daemon/lists/compiled.h"
#include "daemon/lists/report.h"
#include "daemon/lists/stamp_file.h"

enum {
	COMPILE_FILE_MAX = 512 << 20,  /* bytes of one file, packed and unpacked */
	COMPILE_ENTRIES_MAX = 5000000, /* of one list */
	COMPILE_BOUNDS_FROM = 100,     /* a list with fewer entries may shrink and grow at will */
	COMPILE_MEMORY = 6 << 20,      /* bytes that it needs however many entries there are, besides unpacking */
};

/* A file of a list. */
struct compile_file {
	int descriptor; /* a regular file, read from its beginning; -1: none */
	int error;	/* why there is none: errno; 0: the list has no such file */
	uint64_t stamp; /* stamp_of() it */
};

struct compile_list {
	const char *name;
	struct format_options options;
	struct compile_file files[LIST_FILES];
	bool foreign;	 /* fetched: no file may be empty */
	bool guarded;	 /* no entry may hold a guarded address */
	unsigned shrink; /* percent of its entries that it may lose; 0: all */
	unsigned grow;	 /* percent that it may win; 0: any */
};

struct compile_job {
	const struct compile_list *lists;
	size_t count;		       /* at most LISTS_MAX */
	const struct compiled *before; /* may be NULL */
	const struct stamps *seen;     /* of its lists, newer than its own; may be NULL */
	const struct prefix *guards;   /* addresses that must stay reachable */
	size_t guard_count;
	const char *directory; /* of temporary files */
	int output;	       /* an empty file */
};

enum compile_answer {
	COMPILE_MADE,
	COMPILE_SAME, /* nothing has changed: output holds nothing */
	COMPILE_FAILED,
};

typedef void compile_report(void *context, const struct list_report *report);

/* Reports on every list, then writes output. errno tells of COMPILE_FAILED. */
enum compile_answer compile_lists(const struct compile_job *job, compile_report *report,
				  void *context);

/* True when the compiled file is what the job would make, as far as can be told without reading a
 * list. */
bool compile_is_current(const struct compile_job *job, const struct compiled *compiled);

/* True when the compiled file holds this list of the job as its files are now, as far as can be told likewise. */
bool compile_holds(const struct compile_job *job, size_t list, const struct compiled *compiled);

/* About how many bytes compile_lists() needs in its directory and for what it makes, by the sizes of the files. */
uint64_t compile_room(const struct compile_job *job);

/* True when the file spares the job's guards in those lists that are guarded, or there is no guard. */
bool compile_is_guarding(const struct compile_job *job, const struct compiled *compiled);
