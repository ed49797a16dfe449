/* What a connection speaks, told from its first bytes. Pure: bytes in, judgement out. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/protocol.h"

enum recognition {
	RECOGNITION_MORE,  /* could still become a known protocol: ask again with more bytes */
	RECOGNITION_DONE,  /* *protocol is set, possibly to PROTOCOL_UNKNOWN */
};

/* Looks at the first bytes that a client sent. Prefixes of a known protocol answer MORE ("GE",
 * 0x16 alone), anything else DONE. With final true (nothing more will come) the answer is DONE. */
enum recognition protocol_of_client(const uint8_t *bytes, size_t length, bool final,
				    enum protocol *protocol);

/* The same for the first bytes of a server that speaks first (SSH, SMTP, FTP, IMAP, POP3, MySQL). */
enum recognition protocol_of_server(const uint8_t *bytes, size_t length, bool final,
				    enum protocol *protocol);

/* What a client's beginning (RECOGNITION_MORE) could still become: a bit (1u << PROTOCOL_…) for each. */
unsigned protocol_candidates(const uint8_t *bytes, size_t length);
