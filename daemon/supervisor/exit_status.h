/* How a process of ours ended, as waitpid(2) tells it. */
#pragma once

#include <sys/types.h>

enum { EXIT_STATUS_TEXT = 80 };

/* Of a child that has closed its channel, and so ends now, or pretends to: it is ended and collected, without a
 * wait that it could draw out. -1 when somebody else has collected it. */
int exit_status_collect(pid_t pid);

/* Into room for EXIT_STATUS_TEXT, to follow a noun: "ended with status 1", "was ended by signal 9 (Killed)". Returns
 * text. */
char *exit_status_print(int status, char *text);
