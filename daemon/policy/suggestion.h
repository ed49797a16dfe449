/* "Did you mean": the word of a table or of the owner's names that is nearest to a misspelt one.
 * Pure. */
#pragma once

#include <stddef.h>

enum { SUGGESTION_LENGTH = 64 };

struct suggestion {
	const char *sought;
	const char *best; /* NULL while nothing is near */
	size_t distance;  /* of the best; one more than what is taken while there is none */
};

/* Starts a search; both strings given must outlive it. */
void suggestion_begin(struct suggestion *suggestion, const char *sought);

/* Offers one candidate. */
void suggestion_offer(struct suggestion *suggestion, const char *candidate);
