#include "daemon/lists/succinct.h"

#include <stdlib.h>

static bool bit_of(const struct span *words, size_t bit)
{
	size_t byte = bit / 64 * 8 + 7 - bit % 64 / 8;

	return byte < words->length && (words->bytes[byte] >> bit % 8 & 1);
}

/* A node's parent is as many ones as stand before its zero, so one pass finds them all. Parents
 * come before their children, which is what makes every climb end. Returns the number of nodes, 0
 * when it is no tree. */
static size_t find_parents(const struct succinct *trie, uint32_t *parents)
{
	size_t bits = trie->bitmap.length * 8;
	size_t node = 1;
	uint32_t parent = 0;

	parents[0] = 0;
	for (size_t bit = 0; bit < bits && node <= trie->labels.length; bit++) {
		if (bit_of(&trie->bitmap, bit)) {
			parent++;
		} else if (parent >= node) {
			return 0;
		} else {
			parents[node++] = parent;
		}
	}
	return node == trie->labels.length + 1 ? node : 0;
}

/* From the leaf to the root is the reversed name backwards. */
static void climb(const struct succinct *trie, const uint32_t *parents, size_t node,
		  char name[static SUCCINCT_KEY_MAX + 1])
{
	size_t length = 0;

	for (; node && length < SUCCINCT_KEY_MAX; node = parents[node])
		name[length++] = (char)trie->labels.bytes[node - 1];
	name[node ? 0 : length] = '\0';
}

int succinct_walk(const struct succinct *trie, succinct_sink *sink, void *context)
{
	char name[SUCCINCT_KEY_MAX + 1];
	uint32_t *parents;
	size_t nodes;
	int result = 0;

	if (trie->labels.length > SUCCINCT_LABELS_MAX)
		return -2;
	parents = malloc((trie->labels.length + 1) * sizeof(*parents));
	if (!parents)
		return -1;
	nodes = find_parents(trie, parents);
	for (size_t node = 0; node < nodes && result == 0; node++) {
		if (!bit_of(&trie->leaves, node))
			continue;
		climb(trie, parents, node, name);
		result = sink(context, name) ? 0 : -1;
	}
	free(parents);
	return nodes ? result : -2;
}
