/* Every bound of the data path on one screen. Times in seconds unless the name says otherwise,
 * sizes in bytes. What the owner may change stands in policy/limits.h. */
#pragma once

enum {
	/* times */
	SILENCE_MILLISECONDS = 150, /* a client that says nothing for so long may be waiting for the server */
	REFUSE_SECONDS = 2,
	SIGNER_MILLISECONDS = 500,
	QUIET_MILLISECONDS = 1000, /* without a byte, before a conversation gives memory back */
	DRAIN_SECONDS = 5,

	/* sizes */
	HELLO_MAX = 65536 + 1024,   /* bytes of stream peeked at; a hello of 64 KiB in one record fits */
	HEAD_MAX = 65536,           /* one HTTP head, all fields */
	FIELDS_MAX = 256,           /* fields of one head or trailer */
	TARGET_MAX = 16384,         /* a request target */
	CHUNK_SIZE = 16384,         /* one read, one TLS record */
	SPLICE_MIN = 4096,          /* below this a copy is cheaper than a pipe */
	NAME_MAX_LENGTH = 253,      /* a host name, RFC 1035 section 2.3.4 */

	STREAM_WINDOW = 65536,      /* bytes of one HTTP/2 stream that may wait for a slow reader */
	STREAM_WINDOW_MAX = 1 << 20, /* the same for a reader that keeps up */
	WINDOW_GROWTH_MAX = 2 << 20, /* all windows of one connection beyond STREAM_WINDOW */

	/* counts, per connection */
	STREAMS_MAX = 100,          /* HTTP/2 streams at a time */
	GLITCHES_MAX = 1024,        /* frames that ask for work and bring nothing; 32 a second are forgiven */

	/* counts, per worker */
	CONNECTIONS_MAX = 16384,
	LEAVES_MAX = 4096,
	SESSIONS_MAX = 1024,
	PIPES_MAX = 64,
	SPARE_MAX = 256 << 10,      /* bytes that were given back and are kept at hand */
	SERVERS_MAX = 8,            /* upstreams one client connection holds open */
	RULES_MAX = 1024,
};
