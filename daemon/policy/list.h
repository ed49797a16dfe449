/* A named list of the policy: the files it is made of, and its number in the compiled file that
 * holds what stands in them (daemon/lists/compiled.h). */
#pragma once

#include "daemon/lists/compiled.h"
#include "daemon/policy/place.h"

struct text;

/* A file of a list, as it can be opened. */
struct list_file {
	char *name; /* NULL: none */
	struct place place;
};

struct list {
	char *name;
	struct place place;
	const char *format; /* as in format_options; static */
	char *column;	    /* likewise */
	char *code;
	struct list_file files[LIST_FILES];
	const struct compiled *compiled; /* the policy's; NULL: nothing is in force, the list is empty */
	unsigned number;		 /* in compiled */
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

/* For explain, slow: adds "file:line: text" of the entry that holds the address or the host, with
 * the text as it stands in the file when that has not changed since. False when there is none. */
bool list_print_address_entry(const struct list *list, const struct address *address,
			      struct text *text);
bool list_print_host_entry(const struct list *list, const char *host, struct text *text);
