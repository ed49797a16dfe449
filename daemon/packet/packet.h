/* One IP packet as the kernel hands it over: where from, where to, what kind, and the bytes that a
 * program sent. IPv4 with options (RFC 791), IPv6 with extension headers (RFC 8200), TCP (RFC
 * 9293), UDP (RFC 768). Pure: bytes in, facts out; spans point into the caller's bytes. */
#pragma once

#include "daemon/address.h"
#include "daemon/reader.h"

enum packet_kind {
	PACKET_TCP,
	PACKET_UDP,
	PACKET_OTHER,	 /* another protocol: the addresses are set, the ports are not */
	PACKET_FRAGMENT, /* a part of a packet: addresses only. The kernel joins them before we look
			  */
	PACKET_BROKEN,	 /* lengths that contradict each other: nothing is set */
};

enum packet_flag {
	PACKET_FIN = 1,
	PACKET_SYN = 2,
	PACKET_RST = 4,
	PACKET_PSH = 8,
	PACKET_ACK = 16,
};

struct packet {
	enum packet_kind kind;
	struct address source; /* with port for TCP and UDP */
	struct address destination;
	uint8_t protocol;	  /* IPPROTO_… of what the IP headers carry */
	uint8_t flags;		  /* TCP: PACKET_… */
	uint32_t sequence;	  /* TCP: of the first byte of payload, or of the SYN */
	uint32_t acknowledgement; /* TCP */
	struct span network;	  /* the IP headers */
	struct span transport;	  /* the TCP or UDP header */
	struct span payload;
};

/* Reads a whole packet that begins with its IP header. Returns packet->kind. Bytes behind the
 * length that the IP header states are padding and not looked at. */
enum packet_kind packet_parse(const uint8_t *bytes, size_t length, struct packet *packet);

/* The sum of RFC 1071 over the bytes, to go on from sum (0 to begin); fold with packet_sum_fold().
 */
uint32_t packet_sum(uint32_t sum, const void *bytes, size_t length);
uint16_t packet_sum_fold(uint32_t sum);

/* Writes the UDP checksum of a packet anew after its payload was changed in place. packet: as
 * parsed from these bytes. */
void packet_renew_udp(const struct packet *packet, uint8_t *bytes);

enum { PACKET_HEADERS_MAX = 60 }; /* of a packet made by packet_print_…() */

/* Writes the headers of an answer or a reset to out: IPv4 or IPv6 by the family of the addresses
 * (which must agree), then TCP without options. Returns the length of both. */
size_t packet_print_tcp(const struct packet *packet, uint8_t out[static PACKET_HEADERS_MAX]);

/* The same for UDP; the payload that follows at out + the returned length is packet->payload, whose
 * bytes are summed, not copied. */
size_t packet_print_udp(const struct packet *packet, uint8_t out[static PACKET_HEADERS_MAX]);

enum { PACKET_UNREACHABLE_MAX = 96 };

/* Writes a whole packet that says "port unreachable" (RFC 792, RFC 4443 section 3.1) to the sender of a
 * datagram, in its destination's name. packet: the datagram's source and destination; its payload's length
 * alone counts. Returns its length. */
size_t packet_print_unreachable(const struct packet *packet,
				uint8_t out[static PACKET_UNREACHABLE_MAX]);
