#include "netfilter/lookout.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/policy/policy.h"

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23 /* Linux 4.20 */
#endif

enum {
	PER_BLOCK = LOOKOUT_BLOCK / LOOKOUT_FRAME,
	FRAMES = PER_BLOCK * LOOKOUT_BLOCKS,
	RING = LOOKOUT_BLOCK * LOOKOUT_BLOCKS, /* bytes */
	NEXTHDR_FRAGMENT = 44,
};

struct lookout {
	int fd;
	uint8_t *ring;
	unsigned next; /* frame that the kernel fills next */
};

/* SYNs without ACK, over IPv4 without options or IPv6 without extension headers, for others visit
 * the packet door by themselves; and fragments of TCP, among which one could hide. Offsets begin at
 * the IP header. */
static const struct sock_filter is_opening[] = {
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 8),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 14),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x3fff, 11, 0),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x45, 0, 10),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 20 + 13),
	BPF_JUMP(BPF_JMP | BPF_JA, 5, 0, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 0, 7),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NEXTHDR_FRAGMENT, 4, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 4),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 40 + 13),
	BPF_STMT(BPF_ALU | BPF_AND | BPF_K, PACKET_SYN | PACKET_ACK),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_SYN, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, LOOKOUT_FRAME),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

enum { OPENING_STEPS = sizeof(is_opening) / sizeof(*is_opening) };

int lookout_choose(struct lookout *lookout, const unsigned *ports, size_t count)
{
	struct sock_filter steps[2 + LAN_PORTS_MAX + OPENING_STEPS];
	struct sock_fprog program = { 0, steps };

	steps[program.len++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_IFINDEX));
	for (size_t i = 0; i < count; i++)
		steps[program.len++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, ports[i], (uint8_t)(count - i), 0);
	steps[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	for (size_t i = 0; i < OPENING_STEPS; i++)
		steps[program.len++] = is_opening[i];
	return setsockopt(lookout->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

static int make_ring(struct lookout *lookout)
{
	const struct tpacket_req ring = { LOOKOUT_BLOCK, LOOKOUT_BLOCKS, LOOKOUT_FRAME, FRAMES };
	const struct sockaddr_ll everywhere = { .sll_family = AF_PACKET,
						.sll_protocol = htons(ETH_P_ALL) };
	const int version = TPACKET_V2, yes = 1;

	setsockopt(lookout->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof(yes));
	if (setsockopt(lookout->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
	    setsockopt(lookout->fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)) < 0 ||
	    lookout_choose(lookout, NULL, 0) < 0)
		return -1;
	lookout->ring = mmap(NULL, RING, PROT_READ | PROT_WRITE, MAP_SHARED, lookout->fd, 0);
	if (lookout->ring == MAP_FAILED)
		return -1;
	return bind(lookout->fd, (const struct sockaddr *)&everywhere, sizeof(everywhere));
}

struct lookout *lookout_open(void)
{
	struct lookout *lookout = malloc(sizeof(*lookout));
	int error;

	if (!lookout)
		return NULL;
	*lookout = (struct lookout){ socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0), MAP_FAILED, 0 };
	if (lookout->fd >= 0 && make_ring(lookout) == 0)
		return lookout;
	error = errno;
	lookout_close(lookout);
	errno = error;
	return NULL;
}

void lookout_close(struct lookout *lookout)
{
	if (!lookout)
		return;
	if (lookout->ring != MAP_FAILED)
		munmap(lookout->ring, RING);
	if (lookout->fd >= 0)
		close(lookout->fd);
	free(lookout);
}

static struct tpacket2_hdr *frame_at(const struct lookout *lookout, unsigned i)
{
	size_t offset = (size_t)(i / PER_BLOCK) * LOOKOUT_BLOCK + i % PER_BLOCK * LOOKOUT_FRAME;

	return (struct tpacket2_hdr *)(void *)(lookout->ring + offset);
}

void lookout_read(struct lookout *lookout, lookout_each *each, void *context)
{
	/* At most one round: who fills it faster than we read must not keep us here. */
	for (unsigned i = 0; i < FRAMES; i++) {
		struct tpacket2_hdr *frame = frame_at(lookout, lookout->next);
		struct packet packet;

		if (!(__atomic_load_n(&frame->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
			return;
		packet_parse((uint8_t *)frame + frame->tp_net, frame->tp_snaplen, &packet);
		if (packet.kind == PACKET_TCP || packet.kind == PACKET_FRAGMENT)
			each(context, &packet);
		__atomic_store_n(&frame->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		lookout->next = (lookout->next + 1) % FRAMES;
	}
}
