#include "daemon/packet/quic.h"

#include <string.h>

enum {
	FORM_LONG = 0x80,
	FIXED_BIT = 0x40,
	SAMPLE_OFFSET = 4, /* a packet number has at most so many bytes (RFC 9001 section 5.4.2) */
	SAMPLE_LENGTH = 16,
};

uint64_t quic_number(struct reader *reader)
{
	uint8_t first = reader_u8(reader);
	uint64_t value = first & 0x3f;

	for (unsigned more = (1U << (first >> 6)) - 1; more; more--)
		value = value << 8 | reader_u8(reader);
	return value;
}

/* The two bits of the type mean different things in the two versions (RFC 9369 section 3.2). The
 * fixed bit may be cleared by agreement (RFC 9287). */
static enum quic_type type_of(uint8_t first, uint32_t version)
{
	static const enum quic_type types[] = { QUIC_INITIAL, QUIC_ZERO_RTT, QUIC_HANDSHAKE,
						QUIC_RETRY };
	unsigned bits = first >> 4 & 3;

	if (version == QUIC_VERSION_1)
		return types[bits];
	return version == QUIC_VERSION_2 ? types[(bits + 3) % 4] : QUIC_STRANGE;
}

static void read_ids(struct reader *datagram, struct quic_packet *packet)
{
	struct reader id = reader_vector8(datagram);

	packet->destination_id = reader_take(&id, reader_left(&id));
	id = reader_vector8(datagram);
	packet->source_id = reader_take(&id, reader_left(&id));
}

static void read_rest(struct reader *datagram, struct quic_packet *packet, const uint8_t *start)
{
	uint64_t length;

	if (packet->type == QUIC_INITIAL) {
		uint64_t token = quic_number(datagram);

		packet->token = reader_take(datagram, token > SIZE_MAX ? SIZE_MAX : (size_t)token);
	}
	length = quic_number(datagram);
	packet->number = (size_t)(datagram->next - start);
	if (length < SAMPLE_OFFSET + SAMPLE_LENGTH || length > reader_left(datagram))
		datagram->failed = true;
	reader_take(datagram, (size_t)length);
}

static bool ids_fit(const struct quic_packet *packet)
{
	return packet->destination_id.length <= QUIC_ID_MAX &&
	       packet->source_id.length <= QUIC_ID_MAX;
}

enum quic_type quic_packet_read(struct reader *datagram, struct quic_packet *packet)
{
	const uint8_t *start = datagram->next;
	uint8_t first = reader_u8(datagram);

	memset(packet, 0, sizeof(*packet));
	if (!(first & FORM_LONG)) {
		packet->type = !datagram->failed && first & FIXED_BIT ? QUIC_SHORT : QUIC_BROKEN;
		reader_take(datagram, reader_left(datagram));
		return packet->type;
	}
	packet->version = reader_u32(datagram);
	packet->type = packet->version ? type_of(first, packet->version) : QUIC_NEGOTIATION;
	read_ids(datagram, packet);
	if (packet->type == QUIC_INITIAL || packet->type == QUIC_ZERO_RTT ||
	    packet->type == QUIC_HANDSHAKE)
		read_rest(datagram, packet, start);
	else
		reader_take(datagram, reader_left(datagram));
	if (datagram->failed || (packet->type != QUIC_STRANGE && !ids_fit(packet)))
		packet->type = QUIC_BROKEN;
	else
		packet->whole = (struct span){ start, (size_t)(datagram->next - start) };
	return packet->type;
}
