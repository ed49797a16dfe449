/* What a worker asks of the signer and what it answers: fixed-size messages over a SOCK_SEQPACKET
 * pair. The signer issues leaves; it signs nothing that a worker has built (it is no signing
 * oracle). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/name.h"

enum { ISSUE_KEY_MAX = 128, ISSUE_LEAF_MAX = 2048 };

struct issue_request {
	uint64_t id;	      /* echoed; random start per worker, so that an answer to a dead worker
				 is recognised and dropped */
	char name[NAME_SIZE]; /* canonical host name or IP literal */
	int64_t not_before;   /* the origin's dates, seconds since 1970 */
	int64_t not_after;
	uint16_t key_length;
	uint8_t key[ISSUE_KEY_MAX]; /* SubjectPublicKeyInfo, P-256 only */
};

enum issue_answer {
	ISSUE_DONE,
	ISSUE_NEVER,	   /* the name is under `never` */
	ISSUE_BAD_REQUEST, /* not a name, not a P-256 key, dates that leave no lifetime */
	ISSUE_BUSY,	   /* over this worker's rate */
	ISSUE_FAILED,
};

struct issue_reply {
	uint64_t id;
	uint32_t answer; /* enum issue_answer */
	uint32_t leaf_length;
	uint8_t leaf[ISSUE_LEAF_MAX]; /* DER */
};

/* Checks a received message of length bytes: 0, or -1 when it is not exactly a well-formed request
 * (NUL-terminated canonical name or IP literal, a point of P-256 as key, dates in order). Pure. */
int issue_request_check(const void *message, size_t length);

/* Checks a received answer likewise: 0 or -1. */
int issue_reply_check(const void *message, size_t length);
