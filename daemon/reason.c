#include "daemon/reason.h"

struct entry {
	const char *word;
	const char *sentence;
	const char *kind;
};

static const struct entry entries[REASON_COUNT] = {
#define REASON_ENTRY(name, word, kind, sentence) [REASON_##name] = { word, sentence, #kind },
	REASONS(REASON_ENTRY)
#undef REASON_ENTRY
};

static const struct entry *find(enum reason reason)
{
	return &entries[(unsigned)reason < REASON_COUNT ? reason : REASON_INTERNAL];
}

const char *reason_word(enum reason reason)
{
	return find(reason)->word;
}

const char *reason_sentence(enum reason reason)
{
	return find(reason)->sentence;
}

const char *reason_kind(enum reason reason)
{
	return find(reason)->kind;
}
