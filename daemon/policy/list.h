/* A named list of the policy: prefixes and names read from plain list files, held in memory. */
#pragma once

#include "daemon/address.h"
#include "daemon/policy/place.h"

struct name_set;
struct source;
struct text;

struct list {
	char *name;
	struct place place;
	size_t prefix_count;
	struct prefix *prefixes;	     /* sorted, none inside another */
	struct name_set *names;		     /* NULL when it has no names */
	size_t bad_lines;		     /* left out */
	const struct source *addresses_file; /* owned by the policy's sources; NULL: not given */
	const struct source *names_file;
};

/* What reading one file of a list met. */
struct list_reading {
	size_t entries;
	size_t bad;
	unsigned bad_lines[4]; /* the first ones */
};

/* Adds the file's entries: of an addresses file only addresses are taken, of a names file also
 * addresses, as hosts that have no name. list_finish() must follow the last. 0, or -1 when out of
 * memory. */
int list_read_addresses(struct list *list, const struct source *source,
			struct list_reading *reading);
int list_read_names(struct list *list, const struct source *source, struct list_reading *reading);

/* Sorts; once after the last reading, before the first look-up. */
void list_finish(struct list *list);

/* True when the address lies in one of the prefixes. */
bool list_has_address(const struct list *list, const struct address *address);

/* True when the canonical name or a parent of it is in the list, or the host is an IP literal in
 * it. */
bool list_has_host(const struct list *list, const char *host);

/* For explain, slow: adds "file:line: text" of the entry that holds the address or the host. False
 * when there is none. */
bool list_print_address_entry(const struct list *list, const struct address *address,
			      struct text *text);
bool list_print_host_entry(const struct list *list, const char *host, struct text *text);

/* Frees the list; NULL is fine. */
void list_free(struct list *list);
