#include "daemon/supervisor/compiler.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/child.h"
#include "daemon/descriptors.h"
#include "daemon/log.h"
#include "daemon/privilege.h"
#include "daemon/supervisor/exit_status.h"

enum {
	MEMORY_MAX = 160 << 20, /* of data; it is unpacking that needs more than 6 MB */
	OUTPUT_MAX = 1 << 30,	/* of any one file */
	PROCESSOR_SECONDS = 600, /* a million of each: two seconds of a PC, minutes of a small router */
	NICENESS = 10,		 /* traffic goes first */
};

enum word_kind { WORD_REPORT, WORD_END };

/* One message over the pair. */
struct word {
	uint32_t kind;
	int32_t answer; /* enum compile_answer */
	int32_t error;
	struct list_report report;
};

/* In the process */

static void limit(int resource, rlim_t most)
{
	struct rlimit current, wanted = { most, most };

	if (getrlimit(resource, &current) == 0 && current.rlim_max < most)
		wanted = (struct rlimit){ current.rlim_max, current.rlim_max };
	setrlimit(resource, &wanted);
}

static void limit_all(void)
{
#ifndef SANITIZED /* whose shadow memory is larger than any limit */
	limit(RLIMIT_DATA, MEMORY_MAX);
#endif
	limit(RLIMIT_FSIZE, OUTPUT_MAX);
	limit(RLIMIT_CPU, PROCESSOR_SECONDS);
	setpriority(PRIO_PROCESS, 0, NICENESS);
	signal(SIGXFSZ, SIG_IGN); /* writing says EFBIG instead */
	signal(SIGALRM, SIG_DFL);
	alarm(COMPILER_SECONDS);
}

/* Where memory is out, this process goes and no other: what is in force works on without it. */
static void offer_itself(void)
{
	int descriptor = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (descriptor < 0)
		return;
	if (write(descriptor, "1000", 4) < 0)
		log_warning("where memory is out, any process may go: %s", strerror(errno));
	close(descriptor);
}

static int give_up(const char *account_name, const char *directory)
{
	struct account account;
	bool fallback;

	if (geteuid() == 0 && (account_find(account_name, &account, &fallback) < 0 ||
			       chown(directory, account.uid, account.gid) < 0))
		return -1;
	if (child_become(account_name, 0) < 0)
		return -1;
	return privilege_confine(ROLE_COMPILER, directory);
}

static void say(int channel, const struct word *word)
{
	/* Nobody listens any more. */
	if (send(channel, word, sizeof *word, MSG_NOSIGNAL) < 0)
		_exit(EXIT_FAILURE);
}

static void say_report(void *context, const struct list_report *report)
{
	struct word word = { .kind = WORD_REPORT, .report = *report };

	say(*(int *)context, &word);
}

static void keep_only(const struct compile_job *job, int channel)
{
	int kept[LISTS_MAX * LIST_FILES + 2];
	size_t count = 0;

	for (size_t i = 0; i < job->count; i++)
		for (unsigned j = 0; j < LIST_FILES; j++)
			if (job->lists[i].files[j].descriptor >= 0)
				kept[count++] = job->lists[i].files[j].descriptor;
	kept[count++] = job->output;
	kept[count++] = channel;
	descriptors_close_others(kept, count);
}

static void work(const struct compile_job *job, const char *account, int channel)
{
	struct word word = { .kind = WORD_END, .answer = COMPILE_FAILED };

	child_follow_parent();
	log_name("headgate", "compiler");
	keep_only(job, channel);
	limit_all();
	offer_itself();
	if (give_up(account, job->directory) == 0)
		word.answer = compile_lists(job, say_report, &channel);
	word.error = word.answer == COMPILE_FAILED ? errno : 0;
	say(channel, &word);
	_exit(EXIT_SUCCESS);
}

/* Outside it */

int compiler_start(struct compiler *compiler, const struct compile_job *job, const char *account)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -1;
	compiler->pid = fork();
	if (compiler->pid == 0)
		work(job, account, ends[1]);
	close(ends[1]);
	if (compiler->pid < 0) {
		close(ends[0]);
		return -1;
	}
	compiler->channel = ends[0];
	compiler->status = -1;
	return 0;
}

/* The process has read hostile bytes: what it says is held to be no better. */
static void tame(char *text, size_t size)
{
	text[size - 1] = '\0';
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

static void tame_report(struct list_report *report)
{
	for (unsigned i = 0; i < LIST_FILES; i++) {
		struct file_report *file = &report->files[i];

		tame(file->format, sizeof file->format);
		tame(file->compression, sizeof file->compression);
		tame(file->refusal, sizeof file->refusal);
		for (unsigned j = 0; j < REPORT_LINES; j++)
			tame(file->bad_lines[j].why, sizeof file->bad_lines[j].why);
	}
}

static enum compiler_word end_of(const struct word *word)
{
	switch (word->answer) {
	case COMPILE_MADE:
		return COMPILER_MADE;
	case COMPILE_SAME:
		return COMPILER_SAME;
	default:
		errno = word->error > 0 ? word->error : EPROTO;
		return COMPILER_FAILED;
	}
}

void compiler_note_end(struct compiler *compiler, pid_t pid, int status)
{
	if (compiler->channel >= 0 && compiler->pid == pid)
		compiler->status = status;
}

static int reason_of_end(struct compiler *compiler)
{
	int status = compiler->status;

	if (status == -1)
		status = exit_status_collect(compiler->pid);
	if (status == -1 || !WIFSIGNALED(status))
		return EPROTO;
	switch (WTERMSIG(status)) {
	case SIGALRM:
	case SIGXCPU:
		return ETIME;
	case SIGKILL:
		return ENOMEM;
	default:
		return EPROTO;
	}
}

enum compiler_word compiler_hear(struct compiler *compiler, struct list_report *report)
{
	struct word word;
	ssize_t length = recv(compiler->channel, &word, sizeof word, MSG_DONTWAIT);

	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return COMPILER_QUIET;
	if (length != (ssize_t)sizeof word) {
		errno = reason_of_end(compiler);
		return COMPILER_FAILED;
	}
	if (word.kind != WORD_REPORT)
		return end_of(&word);
	*report = word.report;
	tame_report(report);
	return COMPILER_REPORT;
}

void compiler_leave(struct compiler *compiler)
{
	if (compiler->channel >= 0)
		close(compiler->channel);
	compiler->channel = -1;
}
