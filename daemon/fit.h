/* How well the first bytes that somebody said fit what is looked for. Pure. */
#pragma once

#include "daemon/reader.h"

enum fit {
	FIT_NO,
	FIT_MORE, /* what there is fits: ask again with more bytes */
	FIT_YES,
};

/* FIT_YES: the bytes begin with these; the case of letters counts. */
enum fit fit_beginning(struct span bytes, const char *beginning, size_t length);

/* The same for a word, whatever the case of its letters. */
enum fit fit_word(struct span bytes, const char *word);

/* The better one. */
enum fit fit_best(enum fit a, enum fit b);

/* FIT_YES or FIT_NO. */
enum fit fit_when(bool good);
