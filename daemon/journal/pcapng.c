#include "daemon/journal/pcapng.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

enum {
	SECTION_HEADER = 0x0a0d0d0a,
	INTERFACE = 1,
	ENHANCED_PACKET = 6,
	SECRETS = 10,
	TLS_KEY_LOG = 0x544c534b,
	LINKTYPE_RAW = 101, /* begins with the IP header */
	OPTION_NAME = 2,
	ALIGNMENT = 4,
	IPV4_HEADER = 20,
	IPV6_HEADER = 40,
	TCP_HEADER = 20,
	IP_TCP = 6,
	HOPS = 64,
	WINDOW = 65535,
};

/* A block grows here; its length, which stands at both ends, is filled in last. */
struct block {
	uint8_t *bytes;
	size_t length;
};

static void put(struct block *block, const void *bytes, size_t length)
{
	if (length > 0)
		memcpy(block->bytes + block->length, bytes, length);
	block->length += length;
}

static void put_16(struct block *block, uint16_t number)
{
	put(block, &number, sizeof(number));
}

static void put_32(struct block *block, uint32_t number)
{
	put(block, &number, sizeof(number));
}

static void put_network_16(struct block *block, uint16_t number)
{
	put_16(block, htons(number));
}

static void pad(struct block *block)
{
	static const uint8_t zeros[ALIGNMENT];

	put(block, zeros, -block->length % ALIGNMENT);
}

static struct block begin(uint8_t *bytes, uint32_t kind)
{
	struct block block = { bytes, 0 };

	put_32(&block, kind);
	put_32(&block, 0);
	return block;
}

static size_t end(struct block *block)
{
	uint32_t length;

	pad(block);
	length = (uint32_t)block->length + 4;
	put_32(block, length);
	memcpy(block->bytes + 4, &length, sizeof(length));
	return block->length;
}

static size_t put_interface(uint8_t *bytes, const char *name)
{
	struct block block = begin(bytes, INTERFACE);

	put_16(&block, LINKTYPE_RAW);
	put_16(&block, 0);
	put_32(&block, 0); /* no limit */
	put_16(&block, OPTION_NAME);
	put_16(&block, (uint16_t)strlen(name));
	put(&block, name, strlen(name));
	pad(&block);
	put_32(&block, 0); /* end of options */
	return end(&block);
}

size_t pcapng_prelude(uint8_t bytes[static PCAPNG_PRELUDE_MAX])
{
	struct block block = begin(bytes, SECTION_HEADER);
	size_t length;

	put_32(&block, 0x1a2b3c4d); /* tells the order of bytes */
	put_16(&block, 1);
	put_16(&block, 0);
	put_32(&block, UINT32_MAX); /* the section's length is not known */
	put_32(&block, UINT32_MAX);
	length = end(&block);
	length += put_interface(bytes + length, "clients");
	return length + put_interface(bytes + length, "servers");
}

/* RFC 1071, over parts of even length but the last. */
static uint32_t add_up(uint32_t sum, const uint8_t *bytes, size_t length)
{
	for (; length > 1; bytes += 2, length -= 2)
		sum += (uint32_t)bytes[0] << 8 | bytes[1];
	return length ? sum + ((uint32_t)bytes[0] << 8) : sum;
}

static void fold_into(uint32_t sum, uint8_t *place)
{
	uint16_t folded;

	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	folded = htons((uint16_t)~sum);
	memcpy(place, &folded, sizeof(folded));
}

static void put_ip(struct block *block, const struct address *from, const struct address *to,
		   size_t payload)
{
	uint8_t *start = block->bytes + block->length;
	bool old = from->family == AF_INET;

	if (old) {
		put(block, "\x45\0", 2);
		put_network_16(block, (uint16_t)(IPV4_HEADER + payload));
		put(block, "\0\0\x40\0", 4); /* whole */
		put(block, (uint8_t[]){ HOPS, IP_TCP, 0, 0 }, 4);
	} else {
		put(block, "\x60\0\0\0", 4);
		put_network_16(block, (uint16_t)payload);
		put(block, (uint8_t[]){ IP_TCP, HOPS }, 2);
	}
	put(block, from->bytes, address_width(from));
	put(block, to->bytes, address_width(to));
	if (old)
		fold_into(add_up(0, start, IPV4_HEADER), start + 10);
}

static void put_tcp(struct block *block, const struct pcapng_flow *flow,
		    const struct pcapng_segment *segment)
{
	const struct address *from = &flow->ends[segment->from];
	const struct address *to = &flow->ends[!segment->from];
	uint8_t *start = block->bytes + block->length;
	size_t length = TCP_HEADER + segment->length;
	uint32_t sum;

	put_network_16(block, from->port);
	put_network_16(block, to->port);
	put_32(block, htonl(flow->said[segment->from]));
	put_32(block, segment->flags & TCP_ACK ? htonl(flow->said[!segment->from]) : 0);
	put(block, (uint8_t[]){ TCP_HEADER / 4 << 4, segment->flags }, 2);
	put_network_16(block, WINDOW);
	put_32(block, 0);
	put(block, segment->data, segment->length);
	sum = add_up((uint32_t)(IP_TCP + length), from->bytes, address_width(from));
	sum = add_up(sum, to->bytes, address_width(to));
	fold_into(add_up(sum, start, length), start + 16);
}

size_t pcapng_segment(struct pcapng_flow *flow, const struct pcapng_segment *segment,
		      uint8_t bytes[static PCAPNG_BLOCK_MAX])
{
	struct block block = begin(bytes, ENHANCED_PACKET);
	size_t payload = TCP_HEADER + segment->length;
	uint32_t length = (uint32_t)payload;

	length += flow->ends[0].family == AF_INET ? IPV4_HEADER : IPV6_HEADER;
	put_32(&block, flow->interface);
	put_32(&block, (uint32_t)((uint64_t)segment->time >> 32));
	put_32(&block, (uint32_t)segment->time);
	put_32(&block, length);
	put_32(&block, length);
	put_ip(&block, &flow->ends[segment->from], &flow->ends[!segment->from], payload);
	put_tcp(&block, flow, segment);
	flow->said[segment->from] += (uint32_t)segment->length +
				     !!(segment->flags & (TCP_SYN | TCP_FIN));
	return end(&block);
}

size_t pcapng_secrets(const char *line, uint8_t bytes[static PCAPNG_SECRETS_MAX])
{
	struct block block = begin(bytes, SECRETS);
	size_t length = strlen(line);

	if (length + 32 > PCAPNG_SECRETS_MAX)
		return 0;
	put_32(&block, TLS_KEY_LOG);
	put_32(&block, (uint32_t)length + 1);
	put(&block, line, length);
	put(&block, "\n", 1);
	return end(&block);
}
