/* Taking a new policy into force: everything is checked first; then workers and table change over, and who
 * asked is told when all have. A policy that does not check leaves the old one running. */
#pragma once

#include "daemon/policy/config.h"
#include "daemon/supervisor/collection.h"

struct supervisor;
struct control_answer;

/* Reads and checks a policy file; every message goes to the log and, when there is an answer, to it too.
 * NULL when it does not check. */
struct policy *policy_load(const char *path, struct control_answer *answer);

/* Takes note of what came of compiling the lists of this policy, for who asks how things are. */
void reload_note_lists(struct supervisor *supervisor, const struct policy *policy);

/* How the lists of a policy get into force here; answer may be NULL. */
struct collection_settings reload_collection(const struct supervisor *supervisor,
					     struct control_answer *answer);

/* Begins a reload; answer may be NULL (SIGHUP) and is ended when all workers have the policy, or with the
 * reason why not. One at a time: another begins when the one under way has ended. */
void reload_begin(struct supervisor *supervisor, struct control_answer *answer);

/* Begins a reload to a policy that has been parsed already, which it takes over, also on failure. 0; -1 when one
 * is under way. */
int reload_policy(struct supervisor *supervisor, struct policy *policy);

/* Compiles the lists of the policy in force anew and takes them over, as a reload does. 0, or -1: not
 * now, or out of memory. */
int reload_lists(struct supervisor *supervisor);

/* Tells the workers the same policy again, for doors whose interfaces have changed. */
void reload_doors(struct supervisor *supervisor);

/* A child has ended that is nobody else's; it may be the compiler. */
void reload_reap(struct supervisor *supervisor, pid_t pid, int status);

/* Gives up one under way: the supervisor is stopping. */
void reload_abandon(struct supervisor *supervisor);
