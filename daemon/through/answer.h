/* What a proxy's answer means to whoever asks to be carried through it. Parsers of this folder are pure:
 * bytes in, answer out. */
#pragma once

#include <stddef.h>

#include "daemon/reason.h"

enum proxy_said {
	PROXY_MORE,    /* the answer is not whole yet */
	PROXY_YES,
	PROXY_NO,      /* it will not: reason and detail say why */
	PROXY_BROKEN,  /* these bytes are no answer of this protocol */
};

struct proxy_answer {
	enum proxy_said said;
	size_t length;      /* bytes of the answer, with YES; what follows is the server's */
	enum reason reason; /* with NO */
	const char *detail; /* with NO and BROKEN; static storage */
};
