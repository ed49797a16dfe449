#include "daemon/packet/quic.h"

#include <string.h>

enum frame {
	FRAME_PADDING = 0,
	FRAME_PING = 1,
	FRAME_ACK = 2,
	FRAME_ACK_ECN = 3,
	FRAME_CRYPTO = 6,
	FRAME_CLOSE = 0x1c,
};

enum {
	DATAGRAM_MIN = 1200,
	FIXED_BIT = 0x40,
	ACK_RANGES_MAX = 64,
	MESSAGE_CLIENT_HELLO = 1,
	MESSAGE_HEADER = 4
};

void quic_client_begin(struct quic_client *client)
{
	memset(client, 0, sizeof(*client));
}

void quic_client_end(struct quic_client *client)
{
	segments_end(&client->hello);
	quic_client_begin(client);
}

static void skip_ack(struct reader *frames, bool ecn)
{
	uint64_t ranges;

	quic_number(frames);
	quic_number(frames);
	ranges = quic_number(frames);
	quic_number(frames);
	if (ranges > ACK_RANGES_MAX) {
		frames->failed = true;
		return;
	}
	for (; ranges; ranges--) {
		quic_number(frames);
		quic_number(frames);
	}
	for (unsigned counts = ecn ? 3 : 0; counts; counts--)
		quic_number(frames);
}

static void read_crypto(struct quic_client *client, struct reader *frames)
{
	uint64_t offset = quic_number(frames);
	uint64_t length = quic_number(frames);
	struct span piece;

	if (offset > SEGMENT_BYTES_MAX || length > SEGMENT_BYTES_MAX) {
		frames->failed = true;
		return;
	}
	piece = reader_take(frames, (size_t)length);
	if (piece.length && segments_add(&client->hello, (size_t)offset, piece.bytes,
					 piece.length) != SEGMENTS_TAKEN)
		frames->failed = true;
}

/* Other frames than these are not allowed in an Initial packet (RFC 9000 section 12.4). */
static bool read_frames(struct quic_client *client, struct span opened)
{
	struct reader frames;

	reader_begin(&frames, opened.bytes, opened.length);
	while (reader_left(&frames)) {
		switch (reader_u8(&frames)) {
		case FRAME_PADDING:
		case FRAME_PING:
			break;
		case FRAME_ACK:
			skip_ack(&frames, false);
			break;
		case FRAME_ACK_ECN:
			skip_ack(&frames, true);
			break;
		case FRAME_CRYPTO:
			read_crypto(client, &frames);
			break;
		case FRAME_CLOSE:
			return true;
		default:
			return false;
		}
	}
	return !frames.failed;
}

static void begin_anew(struct quic_client *client, const struct quic_packet *packet,
		       const struct quic_keys *keys)
{
	segments_end(&client->hello);
	client->version = packet->version;
	client->keys = *keys;
}

/* Keys stay those of the first id when the client turns to the id that the server chose; after a
 * Retry or in another version they are new (RFC 9001 section 5.2), and the hello is said again from
 * its beginning. */
static struct span open_initial(struct quic_client *client, const struct quic_packet *packet,
				uint8_t *frames)
{
	struct span opened = { 0 };
	struct quic_keys keys;

	if (client->version == packet->version)
		opened = quic_open(packet, &client->keys, frames);
	if (opened.length || !quic_keys_derive(&keys, packet->version, packet->destination_id))
		return opened;
	opened = quic_open(packet, &keys, frames);
	if (opened.length)
		begin_anew(client, packet, &keys);
	return opened;
}

static enum quic_answer look_at_hello(struct quic_client *client, struct hello *hello)
{
	const uint8_t *bytes = client->hello.bytes;
	size_t ready = segments_ready(&client->hello);
	size_t length;

	if (ready && bytes[0] != MESSAGE_CLIENT_HELLO)
		return QUIC_UNREADABLE;
	if (ready < MESSAGE_HEADER)
		return QUIC_MORE;
	length = (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
	if (length > SEGMENT_BYTES_MAX - MESSAGE_HEADER)
		return QUIC_UNREADABLE;
	if (ready < MESSAGE_HEADER + length)
		return QUIC_MORE;
	return hello_parse(bytes + MESSAGE_HEADER, length, hello) == HELLO_COMPLETE
		       ? QUIC_HELLO
		       : QUIC_UNREADABLE;
}

/* One packet that cannot be decrypted is a stray one and says nothing about the others. */
static enum quic_answer read_initial(struct quic_client *client, const struct quic_packet *packet,
				     struct hello *hello)
{
	uint8_t frames[QUIC_PACKET_MAX];
	struct span opened = open_initial(client, packet, frames);

	if (opened.length && !read_frames(client, opened))
		return QUIC_UNREADABLE;
	return look_at_hello(client, hello);
}

/* A version that we cannot read must not slip past the rules for names. Those that are reserved to
 * force a negotiation (RFC 9000 section 15) no server takes: the client will come again with
 * another. A datagram that is too short for a client's first (section 14.1), or lacks the fixed
 * bit, is something else. */
static enum quic_answer judge_strange(uint32_t version, struct span datagram)
{
	if (datagram.length < DATAGRAM_MIN || !(datagram.bytes[0] & FIXED_BIT))
		return QUIC_NOT;
	return (version & 0x0f0f0f0f) == 0x0a0a0a0a ? QUIC_MORE : QUIC_UNREADABLE;
}

enum quic_answer quic_client_read(struct quic_client *client, struct span datagram,
				  struct hello *hello)
{
	enum quic_answer answer = QUIC_NOT;
	struct reader reader;

	reader_begin(&reader, datagram.bytes, datagram.length);
	while ((answer == QUIC_NOT || answer == QUIC_MORE) && reader_left(&reader)) {
		struct quic_packet packet;

		switch (quic_packet_read(&reader, &packet)) {
		case QUIC_INITIAL:
			answer = read_initial(client, &packet, hello);
			break;
		case QUIC_ZERO_RTT:
		case QUIC_HANDSHAKE:
			answer = QUIC_MORE;
			break;
		case QUIC_STRANGE:
			answer = judge_strange(packet.version, datagram);
			break;
		default:
			break;
		}
	}
	/* The tail of a connection of which we know the head. */
	return answer == QUIC_NOT && client->version ? QUIC_MORE : answer;
}
