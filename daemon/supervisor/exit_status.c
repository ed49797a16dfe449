#include "daemon/supervisor/exit_status.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

int exit_status_collect(pid_t pid)
{
	int status;

	/* Does not change the status of one that is already on its way out. */
	kill(pid, SIGKILL);
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

char *exit_status_print(int status, char *text)
{
	if (WIFSIGNALED(status))
		snprintf(text, EXIT_STATUS_TEXT, "was ended by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(text, EXIT_STATUS_TEXT, "ended with status %d", WEXITSTATUS(status));
	return text;
}
