/* The keys of the tickets that clients resume with. All workers have the same and change them at the same
 * moment without a word: the next ones are made from the last ones by a hash that cannot be undone, so
 * that whoever takes a process over reads nothing that was said before the last change. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	TICKET_KEYS_SIZE = 80, /* SSL_CTX_set_tlsext_ticket_keys() */
	TICKET_PERIOD_SECONDS = 8 * 3600,
};

struct tickets {
	uint8_t keys[TICKET_KEYS_SIZE];
	int64_t period; /* the keys' number */
};

/* New keys, from the kernel's random numbers. now: steady microseconds, the same clock in all processes.
 * 0, or -1 with errno. */
int tickets_begin(struct tickets *tickets, int64_t now);

/* Moves on to the keys of now; true when they have changed. */
bool tickets_turn(struct tickets *tickets, int64_t now);
