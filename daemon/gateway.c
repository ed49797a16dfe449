#include "daemon/gateway.h"

#include <time.h>

#include "daemon/connection.h"

bool gateway_is_own_listener(const void *context, const struct address *address)
{
	const struct gateway *gateway = context;

	for (size_t i = 0; i < gateway->listener_count; i++)
		if (gateway->listener_ports[i] == address->port)
			return local_addresses_contain(gateway->local, address);
	return false;
}

struct week_time gateway_time(struct gateway *gateway, int64_t wall)
{
	int64_t minute = wall / 60000000;

	if (minute != gateway->time_minute) {
		gateway->time_minute = minute;
		gateway->time = week_time_at((time_t)(minute * 60));
	}
	return gateway->time;
}

void gateway_again(struct gateway *gateway, struct connection *connection)
{
	const struct timeval now = { 0, 0 };

	if (connection->waits_again)
		return;
	connection->waits_again = true;
	connection->again = gateway->again;
	gateway->again = connection;
	evtimer_add(&gateway->again_event, &now);
}
