#include "daemon/child.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/privilege.h"

int child_open_signals(void)
{
	static const int ignored[] = { SIGPIPE, SIGINT, SIGHUP, SIGUSR1, SIGUSR2 };
	sigset_t termination;

	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&termination);
	sigaddset(&termination, SIGTERM);
	sigprocmask(SIG_SETMASK, &termination, NULL);
	return signalfd(-1, &termination, SFD_NONBLOCK | SFD_CLOEXEC);
}

bool child_must_end(int signals)
{
	struct signalfd_siginfo information;

	return read(signals, &information, sizeof information) == (ssize_t)sizeof information;
}

void child_follow_parent(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

int child_become(const char *account, uint64_t capabilities)
{
	struct account found;
	bool fallback;
	int end_of_parent = 0;

	tzset(); /* reads the zone's file while it still can be read */
	if (geteuid() != 0)
		return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (account_find(account, &found, &fallback) < 0) {
		log_error("there is no account %s", account);
		return -1;
	}
	/* Another account loses what child_follow_parent() has asked for: PR_SET_PDEATHSIG(2const). */
	prctl(PR_GET_PDEATHSIG, &end_of_parent);
	if (privilege_drop(&found, capabilities) < 0)
		return -1;
	return prctl(PR_SET_PDEATHSIG, end_of_parent);
}

void child_say_ready(int ready)
{
	if (ready < 0)
		return;
	while (write(ready, "", 1) < 0)
		if (errno != EINTR) {
			log_warning("nobody waits for this process: %s", strerror(errno));
			break;
		}
	close(ready);
}
