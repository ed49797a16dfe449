#include "daemon/supervisor/fetcher.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/child.h"
#include "daemon/descriptors.h"
#include "daemon/supervisor/exit_status.h"

/* Beside this program, or where `make install` puts it. -1 with errno. */
static int open_program(void)
{
	static const char *const places[] = { "headgate-fetch",
					      "../libexec/headgate/headgate-fetch" };
	char self[4096], path[4200];
	ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
	int program = -1;

	if (length <= 0)
		return -1;
	self[length] = '\0';
	dirname(self);
	for (size_t i = 0; i < sizeof places / sizeof *places && program < 0; i++) {
		snprintf(path, sizeof path, "%s/%s", self, places[i]);
		program = open(path, O_PATH | O_CLOEXEC);
	}
	return program;
}

/* Out of the way of the numbers that the program is to find. */
static int lift(int descriptor)
{
	return fcntl(descriptor, F_DUPFD_CLOEXEC, ERRAND_ROOTS + 1);
}

static void become(int program, int channel, int output, int roots, const char *account)
{
	char name[] = "headgate-fetch";
	char *words[] = { name, NULL };
	char *environment[] = { NULL };
	const int kept[] = { ERRAND_ROOTS, program };

	child_follow_parent();
	if (dup2(channel, ERRAND_CHANNEL) < 0 || dup2(output, ERRAND_OUTPUT) < 0 ||
	    dup2(roots, ERRAND_ROOTS) < 0)
		return;
	descriptors_close_others(kept, 2);
	if (child_become(account, 0) == 0)
		syscall(SYS_execveat, program, "", words, environment, AT_EMPTY_PATH);
}

static int start(struct fetcher *fetcher, int program, int far, int output, int roots,
		 const char *account)
{
	fetcher->status = -1;
	fetcher->pid = fork();
	if (fetcher->pid == 0) {
		become(lift(program), lift(far), lift(output), lift(roots), account);
		_exit(EXIT_FAILURE);
	}
	return fetcher->pid < 0 ? -1 : 0;
}

int fetcher_start(struct fetcher *fetcher, const struct errand_order *order, int output, int roots,
		  const char *account)
{
	int program = open_program();
	int ends[2];
	int result;

	if (program < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
		close(program);
		return -1;
	}
	result = start(fetcher, program, ends[1], output, roots, account);
	close(program);
	close(ends[1]);
	if (result == 0 && send(ends[0], order, sizeof *order, MSG_NOSIGNAL) >= 0) {
		fetcher->channel = ends[0];
		return 0;
	}
	close(ends[0]);
	return -1;
}

/* It has read foreign bytes: its words are kept to what can be shown and stored in a line. */
static void tame(char *text, size_t size)
{
	text[size - 1] = '\0';
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

void fetcher_note_end(struct fetcher *fetcher, pid_t pid, int status)
{
	if (fetcher->channel >= 0 && fetcher->pid == pid)
		fetcher->status = status;
}

char *fetcher_print_end(struct fetcher *fetcher, char *text)
{
	if (fetcher->status == -1) {
		fetcher->status = exit_status_collect(fetcher->pid);
		fetcher->pid = 0; /* the number may be another's from now on */
	}
	return fetcher->status == -1 ? strcpy(text, "ended")
				     : exit_status_print(fetcher->status, text);
}

int fetcher_hear(const struct fetcher *fetcher, struct errand_report *report)
{
	ssize_t length = recv(fetcher->channel, report, sizeof *report, MSG_DONTWAIT);

	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (length != (ssize_t)sizeof *report)
		return -1;
	tame(report->etag, sizeof report->etag);
	tame(report->modified, sizeof report->modified);
	tame(report->message, sizeof report->message);
	return 1;
}

void fetcher_leave(struct fetcher *fetcher)
{
	if (fetcher->channel < 0)
		return;
	if (fetcher->status == -1 && fetcher->pid > 0)
		kill(fetcher->pid, SIGKILL);
	close(fetcher->channel);
	fetcher->channel = -1;
}
