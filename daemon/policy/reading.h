/* One run of the policy's parser: what it fills, and the messages it collects so that all mistakes
 * are told at once and in the order of the files. */
#pragma once

#include "daemon/policy/config.h"
#include "daemon/policy/document.h"

enum {
	MESSAGE_SIZE = 640,
	MESSAGES_MAX = 200,
	NESTING_MAX = 16,    /* mappings inside mappings */
	VALUES_MAX = 200000, /* values read, counted again for every alias */
};

struct message {
	struct place place;
	enum severity severity;
	char *text;
};

/* A file or bundle of `trust`, read once it is known whether any rule opens TLS. */
struct trusted {
	char *name;
	struct value value;
};

struct reading {
	struct policy *policy;
	config_report *report;
	void *context;
	size_t errors;
	size_t message_count;
	struct message *messages;
	size_t left_out; /* messages beyond MESSAGES_MAX */
	bool exhausted;	 /* out of memory was met */
	bool overrun;	 /* VALUES_MAX was met */
	bool rules_full; /* RULES_MAX was met */
	size_t value_count;
	bool broken[RULES_MAX]; /* by slot: the rule has mistakes */
	unsigned nesting;
	unsigned include_depth;
	struct document *documents[SOURCES_MAX]; /* by the index of their source */
	bool included[SOURCES_MAX];		 /* its rules have been read */
	size_t trusted_count;
	struct trusted *trusted;
	bool trust_given;
};

/* Note a mistake, or something worth knowing, at the value. */
void reading_error(struct reading *reading, struct value value, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void reading_warning(struct reading *reading, struct value value, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Note that the file named at the value is not among the sources. */
void reading_missing(struct reading *reading, struct value value, const char *name);

/* Note a message at a place. */
void reading_note(struct reading *reading, enum severity severity, const struct place *place,
		  const char *text);

/* Notes that memory ran out: the whole run then fails. */
void reading_exhausted(struct reading *reading);

/* A copy of the text, owned by the caller; NULL after reading_exhausted(). */
char *reading_copy(struct reading *reading, const char *text);

/* Makes room for one more, zeroed, at the end of an array of *count elements of this size and
 * counts it. Returns the array's new place; NULL after reading_exhausted(), the array is then as it
 * was. */
void *reading_grow(struct reading *reading, void *array, size_t *count, size_t size);

/* Tells the messages, sorted by file, line and column, and frees what the run held but the policy.
 */
void reading_end(struct reading *reading);

/* What the value is, for messages: "\"443\"", "a list", "a mapping", "nothing". Returns text's
 * bytes. */
enum { FOUND_SIZE = 96 };
const char *reading_found(struct value value, char found[static FOUND_SIZE]);
