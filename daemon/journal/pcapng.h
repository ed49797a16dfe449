/* Blocks of a capture file that Wireshark opens (draft-ietf-opsawg-pcapng), of TCP as it was said: the
 * kernel has put the streams together, so the segments' headers are made anew around what was read and
 * written. Pure: bytes in, bytes out. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "daemon/address.h"

enum {
	PCAPNG_SEGMENT_MAX = 32768, /* bytes of data in one segment */
	PCAPNG_BLOCK_MAX = PCAPNG_SEGMENT_MAX + 256,
	PCAPNG_PRELUDE_MAX = 256,
	PCAPNG_SECRETS_MAX = 1024,
};

/* Which side of the gateway: the file's two interfaces, by number. */
enum pcapng_interface { PCAPNG_CLIENTS, PCAPNG_SERVERS };

/* One TCP connection; whoever opened it is the first of the two. */
struct pcapng_flow {
	struct address ends[2];
	uint32_t said[2]; /* sequence number of what comes next */
	enum pcapng_interface interface;
};

/* TCP's flags (RFC 9293 section 3.1). */
enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16 };

/* What a segment is. from: 0 or 1, the speaking end; data of at most PCAPNG_SEGMENT_MAX bytes. */
struct pcapng_segment {
	unsigned from;
	uint8_t flags;
	const void *data;
	size_t length;
	int64_t time; /* microseconds since 1970 */
};

/* The beginning of every file: section header and both interfaces. Returns its length. */
size_t pcapng_prelude(uint8_t block[static PCAPNG_PRELUDE_MAX]);

/* A segment of the flow, whose numbers move on. Returns the block's length. */
size_t pcapng_segment(struct pcapng_flow *flow, const struct pcapng_segment *segment,
		      uint8_t block[static PCAPNG_BLOCK_MAX]);

/* A block with one line of an NSS key log, by which Wireshark decrypts what follows. 0 when it is too
 * long. */
size_t pcapng_secrets(const char *line, uint8_t block[static PCAPNG_SECRETS_MAX]);
