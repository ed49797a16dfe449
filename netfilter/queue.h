/* One queue of packets that wait in the kernel for a verdict (nfnetlink_queue). Needs
 * CAP_NET_ADMIN, also for every verdict. A packet that nobody answers stays where it is; when this
 * process ends, all that wait are let go by the kernel as if they had been dropped, and later ones
 * pass by the queue (`bypass`). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/reader.h"

enum {
	QUEUE_NUMBER = 7446, /* the first that is ours; others use small numbers */
	QUEUE_LENGTH = 4096, /* packets that may wait; then the kernel lets others pass unseen */
	QUEUE_TURN = 256,    /* packets of one queue_read() */
	QUEUE_VERDICTS = 32, /* sent together */
};

struct queue;

struct queue_packet {
	uint32_t id;
	bool outgoing; /* the gateway's own, on its way out */
	uint32_t mark;
	unsigned port;	    /* interface index it came in by; 0: none */
	const uint8_t *mac; /* 6 bytes of the frame's sender, or NULL */
	struct span bytes;  /* from the IP header on */
};

/* Receives one packet; must call one of the verdicts for it. */
typedef void queue_each(void *context, const struct queue_packet *packet);

/* Binds the queue: whole packets, also those that the kernel has joined (GSO). Where it is full the
 * kernel lets packets pass instead of dropping them (fail open). NULL with errno; EBUSY or EPERM:
 * somebody else has it. */
struct queue *queue_open(uint16_t number);

/* Goes on with a queue that another process had: its socket, which is taken over, also on failure. What came in the
 * meantime waits in there. NULL with errno. */
struct queue *queue_adopt(uint16_t number, int descriptor);

/* NULL is fine. */
void queue_close(struct queue *queue);

int queue_descriptor(const struct queue *queue);

/* Hands over what waits, at most QUEUE_TURN packets, and sends the verdicts. 1: more may wait; 0:
 * none does; -1 with errno. */
int queue_read(struct queue *queue, queue_each *each, void *context);

/* Verdicts, each with the mark that the packet carries on. They leave in the order of the packets,
 * at the latest when queue_read() returns. */
void queue_accept(struct queue *queue, uint32_t id, uint32_t mark);
void queue_accept_changed(struct queue *queue, uint32_t id, uint32_t mark, struct span bytes);
void queue_drop(struct queue *queue, uint32_t id);
