#include "daemon/packet/packet.h"

#include <string.h>

enum {
	IPV4_HEADER = 20,
	IPV6_HEADER = 40,
	TCP_HEADER = 20,
	UDP_HEADER = 8,
	ICMP_HEADER = 8,
	EXTENSIONS_MAX = 16, /* headers walked through; RFC 8200 section 4.1 knows seven kinds */
	HOP_LIMIT = 64,
};

/* IPv6 headers that stand before the transport's (RFC 8200 section 4, RFC 4302, RFC 6275, RFC
 * 7401). */
enum extension {
	EXTENSION_HOP_BY_HOP = 0,
	EXTENSION_ROUTING = 43,
	EXTENSION_FRAGMENT = 44,
	EXTENSION_AUTHENTICATION = 51,
	EXTENSION_DESTINATION = 60,
	EXTENSION_MOBILITY = 135,
	EXTENSION_HIP = 139,
	EXTENSION_SHIM6 = 140,
};

static bool is_extension(uint8_t header)
{
	switch (header) {
	case EXTENSION_HOP_BY_HOP:
	case EXTENSION_ROUTING:
	case EXTENSION_AUTHENTICATION:
	case EXTENSION_DESTINATION:
	case EXTENSION_MOBILITY:
	case EXTENSION_HIP:
	case EXTENSION_SHIM6:
		return true;
	default:
		return false;
	}
}

static void set_address(struct address *address, sa_family_t family, struct span bytes)
{
	address->family = family;
	if (bytes.length)
		memcpy(address->bytes, bytes.bytes, bytes.length);
}

/* Ends the network part where the reader stands and leaves what the header says that follows. */
static bool cut(struct packet *packet, struct reader *reader, const uint8_t *start, size_t length)
{
	size_t headers = (size_t)(reader->next - start);

	if (reader->failed || headers > length || length - headers > reader_left(reader))
		return false;
	packet->network = (struct span){ start, headers };
	reader->end = start + length;
	return true;
}

/* Returns whether the packet is whole; *fragment tells that it is a part. */
static bool read_ipv4(struct reader *reader, struct packet *packet, bool *fragment)
{
	const uint8_t *start = reader->next;
	size_t header = 4U * (reader_u8(reader) & 0x0f);
	size_t length;

	reader_u8(reader);
	length = reader_u16(reader);
	reader_u16(reader);
	*fragment = reader_u16(reader) & 0x3fff;
	reader_u8(reader);
	packet->protocol = reader_u8(reader);
	reader_u16(reader);
	set_address(&packet->source, AF_INET, reader_take(reader, 4));
	set_address(&packet->destination, AF_INET, reader_take(reader, 4));
	if (header < IPV4_HEADER)
		return false;
	reader_take(reader, header - IPV4_HEADER);
	return cut(packet, reader, start, length);
}

/* One header: its length is in units of 8 bytes beyond the first 8, of 4 beyond the first 8 for
 * authentication. */
static uint8_t skip_extension(struct reader *reader, uint8_t header)
{
	uint8_t next = reader_u8(reader);
	size_t length = reader_u8(reader);

	length = header == EXTENSION_AUTHENTICATION ? 4 * (length + 2) : 8 * (length + 1);
	reader_take(reader, length - 2);
	return next;
}

static bool read_ipv6(struct reader *reader, struct packet *packet, bool *fragment)
{
	const uint8_t *start = reader->next;
	size_t length;

	reader_u32(reader);
	length = IPV6_HEADER + (size_t)reader_u16(reader);
	packet->protocol = reader_u8(reader);
	reader_u8(reader);
	set_address(&packet->source, AF_INET6, reader_take(reader, 16));
	set_address(&packet->destination, AF_INET6, reader_take(reader, 16));
	for (unsigned i = 0; i < EXTENSIONS_MAX && is_extension(packet->protocol); i++)
		packet->protocol = skip_extension(reader, packet->protocol);
	if (is_extension(packet->protocol))
		return false;
	*fragment = packet->protocol == EXTENSION_FRAGMENT;
	return cut(packet, reader, start, length);
}

static void read_ports(struct reader *reader, struct packet *packet)
{
	packet->source.port = reader_u16(reader);
	packet->destination.port = reader_u16(reader);
}

static enum packet_kind read_tcp(struct reader *reader, struct packet *packet)
{
	const uint8_t *start = reader->next;
	size_t header;

	read_ports(reader, packet);
	packet->sequence = reader_u32(reader);
	packet->acknowledgement = reader_u32(reader);
	header = 4U * (reader_u8(reader) >> 4);
	packet->flags = reader_u8(reader);
	reader_take(reader, 6);
	if (header < TCP_HEADER)
		return PACKET_BROKEN;
	reader_take(reader, header - TCP_HEADER);
	packet->transport = (struct span){ start, header };
	packet->payload = reader_take(reader, reader_left(reader));
	return reader->failed ? PACKET_BROKEN : PACKET_TCP;
}

/* A length of 0 means "the rest" to a kernel that joined datagrams (GRO), and in a jumbogram. */
static enum packet_kind read_udp(struct reader *reader, struct packet *packet)
{
	const uint8_t *start = reader->next;
	size_t length;

	read_ports(reader, packet);
	length = reader_u16(reader);
	reader_u16(reader);
	if (reader->failed || (length && length < UDP_HEADER))
		return PACKET_BROKEN;
	packet->transport = (struct span){ start, UDP_HEADER };
	packet->payload = reader_take(reader, length ? length - UDP_HEADER : reader_left(reader));
	return reader->failed ? PACKET_BROKEN : PACKET_UDP;
}

static enum packet_kind read_packet(struct reader *reader, struct packet *packet)
{
	uint8_t version = reader_left(reader) ? reader->next[0] >> 4 : 0;
	bool fragment = false;

	if ((version != 4 && version != 6) ||
	    !(version == 4 ? read_ipv4 : read_ipv6)(reader, packet, &fragment))
		return PACKET_BROKEN;
	if (fragment)
		return PACKET_FRAGMENT;
	if (packet->protocol == IPPROTO_TCP)
		return read_tcp(reader, packet);
	if (packet->protocol == IPPROTO_UDP)
		return read_udp(reader, packet);
	return PACKET_OTHER;
}

enum packet_kind packet_parse(const uint8_t *bytes, size_t length, struct packet *packet)
{
	struct reader reader;
	enum packet_kind kind;

	memset(packet, 0, sizeof(*packet));
	reader_begin(&reader, bytes, length);
	kind = read_packet(&reader, packet);
	if (kind == PACKET_BROKEN)
		memset(packet, 0, sizeof(*packet));
	packet->kind = kind;
	return kind;
}

uint32_t packet_sum(uint32_t sum, const void *bytes, size_t length)
{
	const uint8_t *byte = bytes;

	for (; length > 1; byte += 2, length -= 2) {
		sum += (uint32_t)byte[0] << 8 | byte[1];
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return length ? sum + ((uint32_t)byte[0] << 8) : sum;
}

uint16_t packet_sum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put16(uint8_t *place, size_t value)
{
	place[0] = (uint8_t)(value >> 8);
	place[1] = (uint8_t)value;
}

static void put32(uint8_t *place, uint32_t value)
{
	put16(place, value >> 16);
	put16(place + 2, value & 0xffff);
}

static size_t print_ip(const struct packet *packet, uint8_t protocol, size_t length, uint8_t *out)
{
	if (packet->source.family == AF_INET) {
		memset(out, 0, IPV4_HEADER);
		out[0] = 0x45;
		put16(out + 2, IPV4_HEADER + length);
		out[6] = 0x40; /* do not fragment */
		out[8] = HOP_LIMIT;
		out[9] = protocol;
		memcpy(out + 12, packet->source.bytes, 4);
		memcpy(out + 16, packet->destination.bytes, 4);
		put16(out + 10, packet_sum_fold(packet_sum(0, out, IPV4_HEADER)));
		return IPV4_HEADER;
	}
	memset(out, 0, IPV6_HEADER);
	out[0] = 0x60;
	put16(out + 4, length);
	out[6] = protocol;
	out[7] = HOP_LIMIT;
	memcpy(out + 8, packet->source.bytes, 16);
	memcpy(out + 24, packet->destination.bytes, 16);
	return IPV6_HEADER;
}

/* Of the pseudo header (RFC 9293 section 3.1, RFC 8200 section 8.1). */
static uint32_t sum_addresses(const struct packet *packet, uint8_t protocol, size_t length)
{
	unsigned width = address_width(&packet->source);
	uint32_t sum = packet_sum(0, packet->source.bytes, width);

	sum = packet_sum(sum, packet->destination.bytes, width);
	return sum + protocol + (uint32_t)length;
}

size_t packet_print_tcp(const struct packet *packet, uint8_t out[static PACKET_HEADERS_MAX])
{
	size_t network = print_ip(packet, IPPROTO_TCP, TCP_HEADER, out);
	uint8_t *tcp = out + network;
	uint32_t sum = sum_addresses(packet, IPPROTO_TCP, TCP_HEADER);

	memset(tcp, 0, TCP_HEADER);
	put16(tcp, packet->source.port);
	put16(tcp + 2, packet->destination.port);
	put32(tcp + 4, packet->sequence);
	put32(tcp + 8, packet->acknowledgement);
	tcp[12] = TCP_HEADER / 4 << 4;
	tcp[13] = packet->flags;
	put16(tcp + 16, packet_sum_fold(packet_sum(sum, tcp, TCP_HEADER)));
	return network + TCP_HEADER;
}

size_t packet_print_udp(const struct packet *packet, uint8_t out[static PACKET_HEADERS_MAX])
{
	size_t length = UDP_HEADER + packet->payload.length;
	size_t network = print_ip(packet, IPPROTO_UDP, length, out);
	uint8_t *udp = out + network;
	uint32_t sum = sum_addresses(packet, IPPROTO_UDP, length);
	uint16_t folded;

	memset(udp, 0, UDP_HEADER);
	put16(udp, packet->source.port);
	put16(udp + 2, packet->destination.port);
	put16(udp + 4, length);
	sum = packet_sum(sum, udp, UDP_HEADER);
	folded = packet_sum_fold(packet_sum(sum, packet->payload.bytes, packet->payload.length));
	put16(udp + 6, folded ? folded : 0xffff);
	return network + UDP_HEADER;
}

void packet_renew_udp(const struct packet *packet, uint8_t *bytes)
{
	uint8_t *udp = bytes + packet->network.length;
	size_t length = packet->transport.length + packet->payload.length;
	uint16_t folded;

	put16(udp + 6, 0);
	folded = packet_sum_fold(
		packet_sum(sum_addresses(packet, IPPROTO_UDP, length), udp, length));
	put16(udp + 6, folded ? folded : 0xffff);
}

/* The beginning of the datagram, as far as its sender needs it to know which socket it was. */
static size_t print_quote(const struct packet *packet, uint8_t *out)
{
	size_t length = UDP_HEADER + packet->payload.length;
	size_t network = print_ip(packet, IPPROTO_UDP, length, out);
	uint8_t *udp = out + network;

	memset(udp, 0, UDP_HEADER);
	put16(udp, packet->source.port);
	put16(udp + 2, packet->destination.port);
	put16(udp + 4, length);
	return network + UDP_HEADER;
}

size_t packet_print_unreachable(const struct packet *packet,
				uint8_t out[static PACKET_UNREACHABLE_MAX])
{
	const struct packet answer = { .source = packet->destination,
				       .destination = packet->source };
	bool ipv4 = packet->source.family == AF_INET;
	size_t network = ipv4 ? IPV4_HEADER : IPV6_HEADER;
	uint8_t *message = out + network;
	size_t length = ICMP_HEADER + print_quote(packet, message + ICMP_HEADER);
	uint8_t protocol = ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	uint32_t sum = ipv4 ? 0 : sum_addresses(&answer, protocol, length);

	print_ip(&answer, protocol, length, out);
	memset(message, 0, ICMP_HEADER);
	message[0] = ipv4 ? 3 : 1; /* destination unreachable */
	message[1] = ipv4 ? 3 : 4; /* its port */
	put16(message + 2, packet_sum_fold(packet_sum(sum, message, length)));
	return network + length;
}
