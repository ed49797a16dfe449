/* The texts a policy is made from (the file, its includes, roots), read once by whoever may
 * read files and then carried to processes that may not: a policy is always parsed from sources. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum source_kind { SOURCE_POLICY, SOURCE_ROOTS, SOURCE_BODY, SOURCE_LEASES };

struct source {
	enum source_kind kind;
	char *name;	   /* as the owner wrote it, put behind the including file's directory */
	const char *bytes; /* a NUL behind them */
	size_t length;
	int error; /* errno when it could not be read; bytes is then NULL */
};

struct sources {
	size_t count;
	struct source *sources; /* the policy file first */
	void *map;		/* of sources_unpack(): where all bytes are; else NULL */
	size_t map_length;
};

enum {
	SOURCES_MAX = 256,
	SOURCE_MAX = 64 << 20,
	POLICY_SOURCE_MAX = 1 << 20, /* one YAML file */
	SOURCE_NAME_SIZE = 4096,
};

/* Reads path and everything it names (include, trust, verify.ca, leases) but the lists, which
 * are compiled instead (daemon/supervisor/collection.h). The system's roots, under
 * the name "system", are read only where a rule may need them. Unreadable ones are noted in the
 * entry, for config_parse() to say where they were named. NULL when out of memory. */
struct sources *sources_read(const char *path);

/* Makes sources of one text in memory, copied, under this name: for tests and for `check -`. NULL
 * when out of memory. */
struct sources *sources_of_text(const char *name, const char *bytes, size_t length);

/* Adds a copy of the bytes as one more source. 0, or -1 when out of memory. */
int sources_add(struct sources *sources, enum source_kind kind, const char *name, const char *bytes,
		size_t length);

/* A copy in which what the DHCP server has written is read anew; a file that cannot be read now keeps what it
 * was. NULL when out of memory. */
struct sources *sources_renew_leases(const struct sources *sources);

/* Writes them into a sealed memory file and returns its descriptor; -1 with errno. */
int sources_pack(const struct sources *sources);

/* Maps them back from such a descriptor (the caller closes it); all processes share the pages. NULL
 * with errno. */
struct sources *sources_unpack(int descriptor);

/* Finds one by name; NULL. */
const struct source *sources_find(const struct sources *sources, const char *name);

/* Writes the name under which `path`, written in the file `from`, is kept: absolute paths and
 * "system" as they are, others behind from's directory. False when it is too long. */
bool source_name(char name[static SOURCE_NAME_SIZE], const char *from, const char *path);

/* True when the source is one of those that an `include` under this name means. */
bool source_fits(const struct source *source, const char *pattern);

/* True when an `include` may name several files (glob(7)). */
bool source_is_glob(const char *path);

void sources_free(struct sources *sources);
