/* What a connection speaks, told from its first bytes. Pure: bytes in, judgement out. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* name, word in policy file and journal */
#define PROTOCOLS(PROTOCOL)                                                                        \
	PROTOCOL(UNKNOWN, "unknown")                                                               \
	PROTOCOL(TLS, "tls")                                                                       \
	PROTOCOL(HTTP, "http")                                                                     \
	PROTOCOL(HTTP2, "http2")                                                                   \
	PROTOCOL(WEBSOCKET, "websocket")                                                           \
	PROTOCOL(QUIC, "quic")                                                                     \
	PROTOCOL(DNS, "dns")                                                                       \
	PROTOCOL(SSH, "ssh")                                                                       \
	PROTOCOL(SMTP, "smtp")                                                                     \
	PROTOCOL(IMAP, "imap")                                                                     \
	PROTOCOL(POP3, "pop3")                                                                     \
	PROTOCOL(FTP, "ftp")                                                                       \
	PROTOCOL(RDP, "rdp")                                                                       \
	PROTOCOL(SOCKS, "socks")                                                                   \
	PROTOCOL(BITTORRENT, "bittorrent")                                                         \
	PROTOCOL(MQTT, "mqtt")                                                                     \
	PROTOCOL(POSTGRESQL, "postgresql")                                                         \
	PROTOCOL(MYSQL, "mysql")

enum protocol {
#define PROTOCOL_ENUM(name, word) PROTOCOL_##name,
	PROTOCOLS(PROTOCOL_ENUM)
#undef PROTOCOL_ENUM
	PROTOCOL_COUNT
};

/* The word of a protocol; static storage. */
const char *protocol_word(enum protocol protocol);

/* Finds a protocol by its word; PROTOCOL_COUNT when there is none. */
enum protocol protocol_find(const char *word);

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

/* Looks for the end of an HTTP/1 request head in the first bytes and for its Host. DONE when the head
 * is complete or can no longer be one. host receives the canonical name (host_canonical() in
 * name.h) or "" when there is none or more than one; method and target receive "" when unreadable.
 * It only guesses for the journal and for the first judgement; the codec's guard has the last word. */
struct http_peek {
	char host[256];
	uint16_t port; /* of the Host field; 0: none */
	char method[32];
};
enum recognition protocol_peek_http(const uint8_t *bytes, size_t length, struct http_peek *peek);
