/* What each device takes of a worker: its live connections, and how fast it has TLS opened. A device is its MAC where
 * the neighbour table has one, else its address. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/address.h"

enum {
	SHARES_MAX = 8192,    /* devices remembered; those without connections give way */
	BUDGET_BURST = 10,    /* seconds' worth of handshakes that may come at once: a browser's whole session */
};

struct budget;

/* One device's share; counted by its connections. */
struct share {
	struct share *next;
	uint8_t key[17];
	size_t live;	   /* connections */
	int64_t tokens;	   /* handshakes that may begin now, in millionths */
	int64_t refilled;  /* steady microseconds */
};

/* NULL when out of memory. */
struct budget *budget_new(void);
void budget_free(struct budget *budget);

/* Counts one more connection of a device. NULL when it would be more than most, or out of memory. */
struct share *budget_join(struct budget *budget, const struct address *address, const uint8_t *mac,
			  uint64_t most);

/* One connection less; NULL is fine. */
void budget_leave(struct share *share);

/* Takes one handshake out of the device's allowance of rate a second; false when it has none. */
bool budget_handshake(struct share *share, uint64_t rate, int64_t now);
