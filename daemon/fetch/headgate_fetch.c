/* headgate-fetch: fetches one list for headgated, which starts it with the descriptors of errand.h
 * and as an account that may do nothing. It reads foreign bytes from the network: all that it can
 * reach is the network, the names in /etc and the one file that it fills. */
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/fetch/transfer.h"
#include "daemon/log.h"
#include "daemon/privilege.h"

enum { MEMORY_MAX = 64 << 20, DESCRIPTORS_MAX = 64, GRACE_SECONDS = 10 };

static void limit(int resource, rlim_t most)
{
	const struct rlimit wanted = { most, most };

	setrlimit(resource, &wanted);
}

static void limit_all(const struct errand_order *order)
{
#ifndef SANITIZED
	limit(RLIMIT_DATA, MEMORY_MAX);
#endif
	limit(RLIMIT_FSIZE, order->bytes_max + (1 << 20));
	limit(RLIMIT_NOFILE, DESCRIPTORS_MAX);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	alarm(order->seconds_max + GRACE_SECONDS);
}

/* NULL when they cannot be read. */
static const char *map_roots(size_t *length)
{
	struct stat status;
	void *bytes;

	if (fstat(ERRAND_ROOTS, &status) || status.st_size <= 0)
		return NULL;
	*length = (size_t)status.st_size;
	bytes = mmap(NULL, *length, PROT_READ, MAP_PRIVATE, ERRAND_ROOTS, 0);
	return bytes == MAP_FAILED ? NULL : bytes;
}

static bool receive(struct errand_order *order)
{
	if (recv(ERRAND_CHANNEL, order, sizeof *order, 0) != (ssize_t)sizeof *order)
		return false;
	order->url[ERRAND_URL - 1] = '\0';
	order->etag[ERRAND_TAG - 1] = '\0';
	order->modified[ERRAND_DATE - 1] = '\0';
	return true;
}

int main(void)
{
	struct errand_order order;
	struct errand_report report;
	const char *roots;
	size_t length = 0;

	log_name("headgate", "fetch");
	if (!receive(&order)) {
		log_error("this program is started by headgated");
		return 2;
	}
	limit_all(&order);
	roots = map_roots(&length);
	if (transfer_begin() < 0 || privilege_confine(ROLE_FETCHER, "/etc") < 0)
		return EXIT_FAILURE;
	transfer_run(&order, ERRAND_OUTPUT, roots ? roots : "", length, &report);
	return send(ERRAND_CHANNEL, &report, sizeof report, MSG_NOSIGNAL) < 0 ? EXIT_FAILURE
									      : EXIT_SUCCESS;
}
