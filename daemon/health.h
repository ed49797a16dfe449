/* Which servers have failed lately: each failure leaves a server alone for twice as long as the one before. In memory
 * that all workers share, so that one finds out for all; no locks, and a lost race costs a try at most. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	HEALTH_MAX = 256,	  /* servers remembered */
	BACK_OFF_FIRST = 5000000, /* microseconds after the first failure */
};

struct health;

/* All are well. Processes forked afterwards share it. NULL with errno. */
struct health *health_open(void);
void health_close(struct health *health);

/* When the server may be asked again, in steady microseconds; 0: it is well. */
int64_t health_wait(const struct health *health, const char *server);

/* Notes a failure: the server is left alone from now on, at most for most microseconds. Returns whether it had
 * been well. */
bool health_failed(struct health *health, const char *server, int64_t now, uint64_t most);

/* Notes that it is not to be asked before then, whoever failed or not. Returns whether it had been well. */
bool health_hold(struct health *health, const char *server, int64_t until);

/* Notes that it was reached. Returns whether it had been failing. */
bool health_reached(struct health *health, const char *server);
