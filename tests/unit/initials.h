/* Makes QUIC Initial packets for tests: the way of a client, from frames to a protected packet (RFC 9001 section
 * 5). */
#pragma once

#include "daemon/packet/quic.h"

/* What a packet says of itself. */
struct initial {
	uint32_t version;
	const char *id;   /* destination connection id */
	const char *keys; /* the id that keys come from; NULL: id */
	const char *source_id;
	uint32_t number;
};

/* Writes a protected packet around frames to out, which has room for them and 100 bytes more. Returns its
 * length. */
size_t initial_print(const struct initial *initial, const uint8_t *frames, size_t length,
		     uint8_t *out);

/* Writes a CRYPTO frame; returns its length. */
size_t crypto_print(size_t offset, const uint8_t *bytes, size_t length, uint8_t *out);
