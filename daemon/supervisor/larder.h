/* The last good copies of fetched lists: STATE/lists/fetched/NAME/list, and beside each what the
 * server said of it. A new copy is on trial until the compiler has taken it; then the one before
 * goes, or comes back. */
#pragma once

#include <stdint.h>

#include "daemon/fetch/errand.h"

struct copy {
	char *directory; /* of this list */
	char *list;	 /* the file */
	int64_t dated;	 /* seconds since 1970 at which it was fetched; 0: there is none */
	char etag[ERRAND_TAG];
	char modified[ERRAND_DATE];
};

/* Looks for the copy of the list, fetched from this URL, below directory (STATE/lists). 0, or -1
 * when out of memory. */
int copy_begin(struct copy *copy, const char *directory, const char *name, const char *url);
void copy_end(struct copy *copy);

/* Opens the file for a new one. Its descriptor, or -1 with errno. */
int copy_open(const struct copy *copy);

/* Puts what was written on trial, unless it is the same as before. 1, 0 when it is the same, -1
 * with errno and everything as it was. */
int copy_take(struct copy *copy, const char *url, int descriptor,
	      const struct errand_report *report);

/* Throws away what was written. */
void copy_drop(const struct copy *copy);

/* The end of the trial: the one before goes, or comes back. */
void copy_keep(const struct copy *copy);
void copy_return(struct copy *copy);

/* Forgets what the server said: the next time all of it is fetched. */
void copy_forget(struct copy *copy);
