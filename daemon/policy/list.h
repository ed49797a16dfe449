/* A named list of the policy: the files it is made of, and its number in the compiled file that
 * holds what stands in them (daemon/lists/compiled.h). */
#pragma once

#include "daemon/lists/compiled.h"
#include "daemon/lists/entry_text.h"
#include "daemon/policy/place.h"

struct feed;
struct text;

/* A file of a list, as it can be opened. */
struct list_file {
	char *name; /* NULL: none */
	struct place place;
};

enum list_guard { GUARD_BY_USE, GUARD_ALWAYS, GUARD_NEVER }; /* list_guard.h */

enum { LIST_SHRINK = 50, LIST_GROW = 400 }; /* percent, of lists that are fetched */

struct list {
	char *name; /* of a country "country DE", which no owner can have given */
	struct place place;
	const char *format; /* as in format_options; static */
	char *column;	    /* likewise */
	char *code;
	struct list_file files[LIST_FILES];
	struct feed *feed; /* the policy's; NULL: it is not fetched */
	unsigned shrink;   /* percent of its entries that it may lose from one time to the next; 0:
			      all */
	unsigned grow;	   /* percent that it may win; 0: any */
	enum list_guard guard;
	const struct compiled
		*compiled; /* the policy's; NULL: nothing is in force, the list is empty */
	unsigned number;   /* in compiled */
	char *trouble;	   /* why it was refused when it was last compiled; NULL */
};

/* NULL when out of memory. */
struct list *list_new(void);

/* Frees the list; NULL is fine. */
void list_free(struct list *list);

/* Looks for the list's name in compiled (may be NULL), which must outlive it. */
void list_attach(struct list *list, const struct compiled *compiled);

/* What the compiled file says of it; NULL when it is not there. */
const struct layout_list *list_facts(const struct list *list);

/* True when the address lies in one of its entries. */
bool list_has_address(const struct list *list, const struct address *address);

/* True when the canonical name or a parent of it is in the list, or the host is an IP literal in
 * it. */
bool list_has_host(const struct list *list, const char *host);

/* Where an entry of the compiled list stands. */
struct list_spot {
	const char *file; /* the list's */
	unsigned line;	  /* or the entry's number */
	enum layout_file_kind kind;
	char text[ENTRY_TEXT]; /* the line as it stands there, or the entry where that cannot be
				      had */
};

/* Finds it. The list must be in force. Slow: may read the file. */
void list_find_spot(const struct list *list, const struct list_entry *entry,
		    struct list_spot *spot);

/* For explain, slow: adds "file:line: text" of the entry that holds the address or the host, with
 * the text as it stands in the file when that has not changed since. False when there is none. */
bool list_print_address_entry(const struct list *list, const struct address *address,
			      struct text *text);
bool list_print_host_entry(const struct list *list, const char *host, struct text *text);
