#include "daemon/policy/suggestion.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <sys/param.h>

static bool alike(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b) ||
	       ((a == '_' || a == '-') && (b == '_' || b == '-'));
}

/* Number of insertions, deletions, changes and swaps of neighbours between two words, without case; words over
 * SUGGESTION_LENGTH characters are far from everything. Optimal string alignment, a row at a time. */
static size_t measure(const char *a, const char *b)
{
	size_t rows[3][SUGGESTION_LENGTH + 1];
	size_t width = strlen(b);
	size_t height = strlen(a);

	if (width > SUGGESTION_LENGTH || height > SUGGESTION_LENGTH)
		return SUGGESTION_LENGTH;
	for (size_t column = 0; column <= width; column++)
		rows[0][column] = column;
	for (size_t row = 1; row <= height; row++) {
		size_t *now = rows[row % 3];
		const size_t *last = rows[(row - 1) % 3];
		const size_t *before = rows[(row + 1) % 3];

		now[0] = row;
		for (size_t column = 1; column <= width; column++) {
			size_t change = !alike(a[row - 1], b[column - 1]);

			now[column] = MIN(MIN(last[column], now[column - 1]) + 1,
					  last[column - 1] + change);
			if (row > 1 && column > 1 && alike(a[row - 1], b[column - 2]) &&
			    alike(a[row - 2], b[column - 1]))
				now[column] = MIN(now[column], before[column - 2] + 1);
		}
	}
	return rows[height % 3][width];
}

void suggestion_begin(struct suggestion *suggestion, const char *sought)
{
	*suggestion = (struct suggestion){ .sought = sought };
	/* One slip in three letters is still a slip, more is another word. */
	suggestion->distance = strlen(sought) / 3 + 1 + (strlen(sought) > 2);
}

void suggestion_offer(struct suggestion *suggestion, const char *candidate)
{
	size_t distance = measure(suggestion->sought, candidate);

	bool nearer = distance < suggestion->distance ||
		      (suggestion->best && distance == suggestion->distance &&
		       !alike(*suggestion->best, *suggestion->sought) &&
		       alike(*candidate, *suggestion->sought));

	if (nearer && distance < strlen(candidate)) {
		suggestion->best = candidate;
		suggestion->distance = distance;
	}
}
