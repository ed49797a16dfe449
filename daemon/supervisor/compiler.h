/* The compiler process: reads the lists of a policy, which are foreign bytes, and makes one file of
 * them. It has no capability, no network and no files but those handed to it; its memory and its
 * time are bounded, and it ends when it is done. Used by headgated and by headgatectl alike. */
#pragma once

#include <sys/types.h>

#include "daemon/lists/compile.h"

enum { COMPILER_SECONDS = 1200 }; /* of wall time; it ends itself */

struct compiler {
	pid_t pid;
	int channel; /* readable when there is something to hear; -1: none is running */
	int status;  /* as waitpid() says it, of one that somebody else has collected; -1: nobody has */
};

/* Forks the process. The job, its descriptors and its directory need to stay only until this
 * returns; as root, the directory becomes the account's. Whoever waits for children of its own
 * collects this one as well, and notes its end. 0, or -1 with errno. */
int compiler_start(struct compiler *compiler, const struct compile_job *job, const char *account);

enum compiler_word {
	COMPILER_QUIET,	 /* nothing now */
	COMPILER_REPORT, /* *report is of one list */
	COMPILER_MADE,	 /* the output is complete */
	COMPILER_SAME,	 /* nothing has changed: the output is empty */
	COMPILER_FAILED, /* errno says why; of one that was ended ETIME, or ENOMEM when it was killed: the
			    kernel does that where memory is out; EPROTO when it died */
};

/* Takes note that this child has ended, if it is the compiler. */
void compiler_note_end(struct compiler *compiler, pid_t pid, int status);

/* Hears the next word without waiting. After one of the last three there is none. */
enum compiler_word compiler_hear(struct compiler *compiler, struct list_report *report);

/* Closes the channel: a process still at work ends at its next word. */
void compiler_leave(struct compiler *compiler);
