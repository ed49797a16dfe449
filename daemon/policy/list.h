/* A named list of the policy: addresses and names read from list files, held in memory. */
#pragma once

#include "daemon/lists/list_read.h"
#include "daemon/policy/place.h"

struct address_set;
struct name_set;
struct source;
struct text;

struct list {
	char *name;
	struct place place;
	const char *format; /* as in format_options; static */
	char *column;	    /* likewise */
	char *code;
	struct address_set *addresses;
	struct name_set *names;
	struct name_set *allowed_names;	     /* taken away from names */
	size_t bad_lines;		     /* left out */
	const struct source *addresses_file; /* owned by the policy's sources; NULL: not given */
	const struct source *names_file;
};

/* NULL when out of memory. */
struct list *list_new(void);

/* Frees the list; NULL is fine. */
void list_free(struct list *list);

/* Adds the file's entries: of an addresses file only addresses are taken, and *names says how many
 * names were left out; of a names file also addresses, as hosts that have no name. list_finish()
 * must follow the last. What a refused file left in the list makes it unusable. FORMAT_STOPPED when
 * out of memory. */
enum format_verdict list_read_addresses(struct list *list, const struct source *source,
					struct list_reading *reading, size_t *names);
enum format_verdict list_read_names(struct list *list, const struct source *source,
				    struct list_reading *reading);

/* Sorts, and takes away what entries allow; once after the last reading, before the first look-up.
 * 0, or -1 when out of memory. */
int list_finish(struct list *list);

/* Ranges of addresses that do not touch, and names. */
size_t list_address_count(const struct list *list);
size_t list_name_count(const struct list *list);

/* True when the address lies in one of the ranges. */
bool list_has_address(const struct list *list, const struct address *address);

/* True when the canonical name or a parent of it is in the list, or the host is an IP literal in
 * it. */
bool list_has_host(const struct list *list, const char *host);

/* Slow: gives every entry of the names file with a name that is not taken away, as it is written.
 * False as soon as the sink says so, or when out of memory. */
bool list_each_name(const struct list *list, entry_sink *sink, void *context);

/* For explain, slow: adds "file:line: text" of the entry that holds the address or the host, "file:
 * entry N" where the file is binary or packed. False when there is none. */
bool list_print_address_entry(const struct list *list, const struct address *address,
			      struct text *text);
bool list_print_host_entry(const struct list *list, const char *host, struct text *text);
