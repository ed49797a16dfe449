#include "daemon/verdict.h"

#include <sys/socket.h>

/* Behind the gateway's own packets no chain waits to take the mark off again. */
uint32_t verdict_mark(const struct visits *visits, const struct queue_packet *arrival, uint32_t value)
{
	return (arrival->mark & ~visits->marks.mask) | (arrival->outgoing ? 0 : value);
}

void verdict_send(const struct visits *visits, const struct address *to, const uint8_t *bytes,
		  size_t length)
{
	struct sockaddr_storage storage;
	struct address target = *to;
	socklen_t size;
	int fd = to->family == AF_INET ? visits->raw4 : visits->raw6;

	target.port = 0;
	size = address_to_socket(&target, AF_UNSPEC, &storage);
	if (fd >= 0)
		sendto(fd, bytes, length, MSG_DONTWAIT, (struct sockaddr *)&storage, size);
}

/* The kernel resets the client; this one is for the server, which has answered its SYN. */
static void reset_server(const struct visits *visits, const struct packet *packet)
{
	uint8_t bytes[PACKET_HEADERS_MAX];
	struct packet reset = *packet;

	if (packet->flags & PACKET_SYN)
		return;
	reset.flags = PACKET_RST | PACKET_ACK;
	verdict_send(visits, &packet->destination, bytes, packet_print_tcp(&reset, bytes));
}

void verdict_give(struct visits *visits, const struct queue_packet *arrival,
		  const struct packet *packet, enum fate fate)
{
	const struct marks *marks = &visits->marks;
	uint32_t value = marks->undecided;

	switch (fate) {
	case FATE_DROP:
		queue_drop(visits->queue, arrival->id);
		return;
	case FATE_REFUSE:
		value = marks->refused;
		if (packet->kind == PACKET_TCP)
			reset_server(visits, packet);
		break;
	case FATE_PASS:
		value = marks->forward;
		break;
	case FATE_UNSEEN:
		value = marks->watching;
		break;
	case FATE_UNDECIDED:
		break;
	}
	queue_accept(visits->queue, arrival->id, verdict_mark(visits, arrival, value));
}
