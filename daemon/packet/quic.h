/* QUIC's first datagrams: what an observer may read of them. Long headers (RFC 9000 section 17.2,
 * RFC 8999) and the client's Initial packets, which everyone on the way can decrypt (RFC 9001
 * section 5, RFC 9369). Pure: libcrypto computes, nothing is kept but what the caller holds. */
#pragma once

#include "daemon/greeting.h"
#include "daemon/packet/segments.h"
#include "daemon/reader.h"

enum {
	QUIC_ID_MAX = 20, /* RFC 9000 section 17.2 */
	QUIC_VERSION_1 = 1,
	QUIC_VERSION_2 = 0x6b3343cf,
	QUIC_PACKET_MAX = 2048, /* an Initial longer than any path carries is not read */
};

enum quic_type {
	QUIC_INITIAL,
	QUIC_ZERO_RTT,
	QUIC_HANDSHAKE,
	QUIC_RETRY,
	QUIC_NEGOTIATION, /* version 0: the server names the versions it knows */
	QUIC_SHORT,	  /* of a connection that is already under way */
	QUIC_STRANGE,	  /* of a version that we do not know: only the ids are set */
	QUIC_BROKEN,
};

/* One packet of a datagram. Spans point into it. */
struct quic_packet {
	enum quic_type type;
	uint32_t version;
	struct span destination_id;
	struct span source_id;
	struct span token; /* of an Initial */
	struct span whole; /* from its first byte to its last, which a later packet may follow */
	size_t number;	   /* offset in whole of the protected packet number; 0: none */
};

/* Reads a number of one to eight bytes (RFC 9000 section 16). */
uint64_t quic_number(struct reader *reader);

/* Reads the packet at the reader and moves behind it: a datagram may hold several. */
enum quic_type quic_packet_read(struct reader *datagram, struct quic_packet *packet);

/* Keys of one direction, derived from a destination connection id. */
struct quic_keys {
	uint8_t key[16];
	uint8_t iv[12];
	uint8_t mask[16]; /* header protection */
};

/* Derives the client's keys for Initial packets. False: the version has none that we know, or
 * libcrypto is out of memory. */
bool quic_keys_derive(struct quic_keys *keys, uint32_t version, struct span destination_id);

/* Decrypts an Initial packet into frames (at least QUIC_PACKET_MAX bytes); returns the frames,
 * empty when the keys do not fit. */
struct span quic_open(const struct quic_packet *packet, const struct quic_keys *keys,
		      uint8_t *frames);

/* A client's side of one connection, as long as its hello is not complete. */
struct quic_client {
	uint32_t version; /* 0: nothing could be read yet */
	struct quic_keys keys;
	struct segments hello;
};

void quic_client_begin(struct quic_client *client);
void quic_client_end(struct quic_client *client);

enum quic_answer {
	QUIC_MORE,	 /* a good beginning */
	QUIC_HELLO,	 /* *hello is set; its spans point into client */
	QUIC_UNREADABLE, /* QUIC, but broken, contradicting itself, or of an unknown version */
	QUIC_NOT,	 /* no QUIC, or not its beginning */
};

/* Reads a datagram of the client. Packets that do not tell anything (0-RTT, Handshake) are stepped
 * over; after a Retry or a version negotiation the client begins anew with another id or version,
 * and so do we. */
enum quic_answer quic_client_read(struct quic_client *client, struct span datagram,
				  struct hello *hello);
