#include "daemon/stage.h"

const char *stage_word(enum stage stage)
{
	static const char *const words[] = {
		[PEEKING] = "peeking",
		[DECIDING] = "deciding",
		[CONNECTING] = "connecting",
		[SECURING_SERVER] = "securing server",
		[SECURING_CLIENT] = "securing client",
		[RELAYING] = "relaying",
		[INQUIRING] = "inquiring",
		[EXCHANGING] = "exchanging",
		[REFUSING] = "refusing",
		[ENDED] = "ended",
	};

	return words[stage];
}

enum stage connection_leave(struct connection *connection, enum reason reason)
{
	if (connection->reason == REASON_NONE)
		connection->reason = reason;
	return ENDED;
}

void connection_set_alarm(struct connection *connection, int64_t when)
{
	int64_t wait = when - clock_steady();
	struct timeval time;

	if (wait < 1000)
		wait = 1000;
	time = (struct timeval){ .tv_sec = wait / 1000000, .tv_usec = wait % 1000000 };
	connection->alarm = when;
	evtimer_add(&connection->deadline, &time);
}

int64_t connection_limit(const struct connection *connection, enum limit limit)
{
	return (int64_t)regime_policy(connection->regime)->limits.value[limit];
}
