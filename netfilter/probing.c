#include "netfilter/probing.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void answer(int descriptor, const struct policy *policy)
{
	static struct probe probe;
	const char *next = (const char *)&probe;
	size_t left = sizeof(probe);

	probe_run(&probe, policy);
	while (left) {
		ssize_t written = write(descriptor, next, left);

		if (written <= 0)
			return;
		next += written;
		left -= (size_t)written;
	}
}

void probing_begin(struct probing *probing, const struct policy *policy)
{
	int ends[2];

	*probing = (struct probing){ .answer = -1 };
	if (pipe2(ends, O_CLOEXEC))
		return;
	probing->child = fork();
	if (probing->child == 0) {
		close(ends[0]);
		answer(ends[1], policy);
		_exit(0);
	}
	close(ends[1]);
	if (probing->child > 0) {
		probing->answer = ends[0];
		return;
	}
	probing->child = 0;
	close(ends[0]);
}

static bool hear(const struct probing *probing, struct probe *probe)
{
	char *next = (char *)probe;
	size_t left = sizeof(*probe);

	while (left) {
		ssize_t got = read(probing->answer, next, left);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		next += got;
		left -= (size_t)got;
	}
	return true;
}

static void leave(struct probing *probing)
{
	close(probing->answer);
	while (waitpid(probing->child, NULL, 0) < 0 && errno == EINTR)
		;
	*probing = (struct probing){ .answer = -1 };
}

void probing_end(struct probing *probing, struct probe *probe, const struct policy *policy)
{
	bool heard = probing->child && hear(probing, probe);

	if (probing->child)
		leave(probing);
	if (!heard)
		probe_run(probe, policy);
}

void probing_abandon(struct probing *probing)
{
	if (!probing->child)
		return;
	kill(probing->child, SIGKILL);
	leave(probing);
}
