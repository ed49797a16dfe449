#include "daemon/protocol.h"

static const char *const words[PROTOCOL_COUNT] = {
#define PROTOCOL_WORD(name, word) [PROTOCOL_##name] = (word),
	PROTOCOLS(PROTOCOL_WORD)
#undef PROTOCOL_WORD
};

const char *protocol_word(enum protocol protocol)
{
	return words[(unsigned)protocol < PROTOCOL_COUNT ? protocol : PROTOCOL_UNKNOWN];
}
