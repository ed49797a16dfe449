/* What headgated asks of headgate-fetch, and what that answers: one message each way over a
 * SOCK_SEQPACKET pair. Of fixed size, without a pointer. */
#pragma once

#include <stdint.h>

enum {
	ERRAND_URL = 2048,
	ERRAND_TAG = 256,
	ERRAND_DATE = 64,
	ERRAND_MESSAGE = 256,

	/* The descriptors that the program is started with. */
	ERRAND_CHANNEL = 0,
	ERRAND_OUTPUT = 1, /* an empty file */
	ERRAND_ROOTS = 3,  /* PEM */
};

struct errand_order {
	char url[ERRAND_URL];
	char etag[ERRAND_TAG];	    /* of the copy that is there; "" */
	char modified[ERRAND_DATE]; /* its Last-Modified; "" */
	uint64_t bytes_max;
	uint32_t seconds_max;
};

enum errand_outcome { ERRAND_FETCHED, ERRAND_UNCHANGED, ERRAND_FAILED };

struct errand_report {
	uint32_t outcome; /* enum errand_outcome */
	char etag[ERRAND_TAG];
	char modified[ERRAND_DATE];
	char message[ERRAND_MESSAGE]; /* of a failure, for people */
	uint64_t bytes;
};
