/* The ClientHello: what a client says before anything is encrypted (RFC 8446 section 4.1.2, RFC 5246
 * section 7.4.1.2). Pure: bytes in, facts out; nothing is allocated; spans point into the caller's
 * bytes. */
#pragma once

#include "daemon/name.h"
#include "daemon/reader.h"

enum hello_answer {
	HELLO_COMPLETE,
	HELLO_MORE,     /* a good beginning */
	HELLO_NOT_TLS,  /* not a TLS handshake record */
	HELLO_INVALID,  /* TLS, but broken: wrong inner lengths, two SNI extensions, another message */
	HELLO_OVERSIZE, /* would not fit message */
};

/* How the name was given. An unusable one (IP literal, NUL, two names, not a host name) is never
 * repaired: the hello is judged as having none. */
enum hello_name { HELLO_NAME_ABSENT, HELLO_NAME_GIVEN, HELLO_NAME_UNUSABLE };

struct hello {
	enum hello_name name_kind;
	char name[NAME_SIZE]; /* canonical; "" unless GIVEN */
	uint16_t version;     /* highest offered, GREASE ignored: 0x0304 for TLS 1.3 */
	uint16_t legacy_version;
	struct span ciphers;    /* 16-bit values */
	struct span extensions; /* the whole block */
	struct span groups;     /* 16-bit values of supported_groups; empty when absent */
	struct span versions;   /* 16-bit values of supported_versions */
	struct span signatures; /* 16-bit values of signature_algorithms */
	struct span alpn;       /* protocol list: vectors with 8-bit lengths (RFC 7301) */
	bool ech;               /* encrypted_client_hello is present (real or GREASE) */
	bool early_data;
};

/* Collects the handshake message from a TCP stream's first bytes: strips record headers, whatever the
 * record split. message receives the handshake message without its 4-byte header, at most size
 * bytes; *message_length its length when COMPLETE. */
enum hello_answer hello_unwrap(const uint8_t *stream, size_t length, uint8_t *message, size_t size,
			       size_t *message_length);

/* Reads a whole ClientHello message (without the 4-byte handshake header): from hello_unwrap() or from
 * QUIC CRYPTO frames. COMPLETE or INVALID. The spans live as long as message. */
enum hello_answer hello_parse(const uint8_t *message, size_t length, struct hello *hello);

/* True for the values of RFC 8701, which say nothing about the client. */
bool hello_is_grease(uint16_t value);

/* Walks the ALPN list: returns the next name and moves *position (start with 0); an empty span at
 * the end. */
struct span hello_alpn_next(const struct hello *hello, size_t *position);

/* True when the client offers this ALPN name. */
bool hello_offers(const struct hello *hello, const char *alpn);

/* True when a group, for instance 0x11ec (X25519MLKEM768), is among the supported groups. */
bool hello_has_group(const struct hello *hello, uint16_t group);

/* True when it offers a key agreement that a quantum computer cannot undo: a group with ML-KEM (IANA's
 * TLS Supported Groups). */
bool hello_is_post_quantum(const struct hello *hello);
