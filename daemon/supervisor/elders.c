#include "daemon/supervisor/elders.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/log.h"

bool elders_add(struct elders *elders, pid_t pid, int orders, int64_t until)
{
	if (elders->count == ELDERS_MAX)
		return false;
	elders->elder[elders->count++] = (struct elder){ pid, orders, until };
	return true;
}

bool elders_bury(struct elders *elders, pid_t pid)
{
	for (unsigned i = 0; i < elders->count; i++) {
		if (elders->elder[i].pid != pid)
			continue;
		close(elders->elder[i].orders);
		elders->elder[i] = elders->elder[--elders->count];
		if (!elders->count)
			log_info("the workers of the program before have ended");
		return true;
	}
	return false;
}

void elders_tell(struct elders *elders, const union order *order, size_t size,
		 const int *descriptors, size_t count)
{
	for (unsigned i = 0; i < elders->count; i++) {
		const struct elder *elder = &elders->elder[i];

		if (order_send(elder->orders, order, size, descriptors, count) == 0)
			continue;
		log_warning("worker %d of the program before takes no orders and is ended: %s",
			    (int)elder->pid, strerror(errno));
		kill(elder->pid, SIGTERM);
	}
}

/* One that does not end in order has nothing left that an order could save. */
void elders_watch(struct elders *elders)
{
	const int64_t now = clock_steady();

	for (unsigned i = 0; i < elders->count; i++) {
		const struct elder *elder = &elders->elder[i];

		if (now > elder->until + (DRAIN_SECONDS + 2) * 1000000LL)
			kill(elder->pid, SIGKILL);
		else if (now > elder->until)
			kill(elder->pid, SIGTERM);
	}
}

void elders_end(struct elders *elders)
{
	for (unsigned i = 0; i < elders->count; i++)
		kill(elders->elder[i].pid, SIGTERM);
}

void elders_end_now(struct elders *elders)
{
	const struct timespec pause = { 0, 1000000 };
	const int64_t until = clock_steady() + 500000;

	elders_end(elders);
	for (unsigned i = 0; i < elders->count; i++) {
		while (waitpid(elders->elder[i].pid, NULL, WNOHANG) == 0) {
			if (clock_steady() > until)
				kill(elders->elder[i].pid, SIGKILL);
			nanosleep(&pause, NULL);
		}
		close(elders->elder[i].orders);
	}
	elders->count = 0;
}
