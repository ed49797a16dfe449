/* A program succeeds itself: the supervisor's process becomes the headgated that lies on the disk now. The
 * doors stay open and the table stays loaded; the new program starts its own processes, and when these are
 * ready the workers of before are told to retire (elders.h). Nothing is given up before the new program has
 * said, in a process of its own, that it can read the policy and what it would inherit. */
#pragma once

#include <sys/types.h>

struct supervisor;
struct control_answer;

/* Tries the program on the disk and, where it is good, becomes it. answer (may be NULL) is ended with the reason
 * why not, or goes over to the new program. */
void succession_begin(struct supervisor *supervisor, struct control_answer *answer);

/* A child that nobody else has lost has ended: perhaps the one that tried. */
void succession_reap(struct supervisor *supervisor, pid_t pid, int status);

/* In the new program, before its packet doors start: those of before end and leave their queues to them. */
void succession_take_queues(struct supervisor *supervisor);

/* In the new program, when it is ready: retires the workers of before and tells whoever asked. */
void succession_end(struct supervisor *supervisor);
