/* The grammar of the policy file as data. From these tables come the parser, "did you mean", the
 * JSON Schema and the test that the manual names every word. */
#pragma once

#include <stdbool.h>

#include "daemon/policy/reading.h"

/* What may stand at a key. */
enum form {
	FORM_TEXT = 1, /* or one of `words` */
	FORM_NUMBER = 2,
	FORM_BOOLEAN = 4,
	FORM_MAPPING = 8, /* with the keys of `grammar` */
	FORM_NAMED = 16,  /* with keys of the owner's choice, `grammar` in each when there is one */
	FORM_LIST = 32,	  /* a list of the others, or one of them alone */
	FORM_EMPTY = 64,  /* also an empty list */
};

struct keyword;

/* Reads one value (of a list: each item) into target and reports what is wrong with it. */
typedef void keyword_reader(struct reading *reading, const struct keyword *keyword,
			    struct value value, void *target);

struct grammar;

struct keyword {
	const char *word;
	unsigned forms;
	const char *takes;    /* completes "`port` takes …"; also describes it in the schema */
	keyword_reader *read; /* NULL with FORM_MAPPING: the grammar reads into the same target */
	const struct grammar *grammar;
	const char *const *words;  /* NULL-terminated */
	keyword_reader *read_late; /* of the file's top: what refers to definitions, read after all
				      of them */
	bool required;
};

struct grammar {
	const char *what;		/* "a rule" */
	const struct keyword *keywords; /* ended by one without a word */
};

/* Finds a key; NULL. */
const struct keyword *grammar_find(const struct grammar *grammar, const char *word);

/* Reports unknown, doubled and missing keys. False when the value is no mapping at all. */
bool grammar_check(struct reading *reading, const struct grammar *grammar, struct value value);

/* Checks a mapping and reads every key of it that is known into target. */
void grammar_read(struct reading *reading, const struct grammar *grammar, struct value value,
		  void *target);

/* Reads one key's value, each item of it where a list is allowed, with `read`. */
void keyword_read(struct reading *reading, const struct keyword *keyword, struct value value,
		  void *target);

/* The same with `read_late`. */
void keyword_read_late(struct reading *reading, const struct keyword *keyword, struct value value,
		       void *target);

/* Reports that the value is not what the keyword takes. */
void keyword_mismatch(struct reading *reading, const struct keyword *keyword, struct value value);

/* The index of the value among the keyword's words; -1 after reporting that it is none. */
int keyword_choose(struct reading *reading, const struct keyword *keyword, struct value value);

/* True or false; false after reporting anything else. */
bool keyword_boolean(struct reading *reading, const struct keyword *keyword, struct value value);
