/* What the kernel, and both ends, hear of a packet that has visited. */
#pragma once

#include "daemon/visit.h"

/* Answers the packet by the fate of its flow. A server that has answered its SYN is reset; the kernel does the rest
 * by mark. */
void verdict_give(struct visits *visits, const struct queue_packet *arrival,
		  const struct packet *packet, enum fate fate);

/* The mark with which a packet goes on: a value of ours, the other bits as they were. */
uint32_t verdict_mark(const struct visits *visits, const struct queue_packet *arrival, uint32_t value);

/* Sends a packet of our own making, headers and all. to: with the port of the gateway as its scope where the address
 * is link-local. */
void verdict_send(const struct visits *visits, const struct address *to, const uint8_t *bytes,
		  size_t length);
