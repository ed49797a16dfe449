/* The redirect: table and routes that bring captured traffic to us, from going up to coming down. All on
 * the supervisor's struct, in the supervisor's process. */
#pragma once

#include <stdbool.h>

struct supervisor;

/* Does what can be done ahead and touches no packet. 0, or -1 with a logged cause. */
int redirect_prepare(struct supervisor *supervisor);

/* Opens the watch and puts routes and table in place. 0, or -1 with a logged cause. */
int redirect_begin(struct supervisor *supervisor);

/* Whether the policy in force has anything come to the packet doors. The machine has been looked at. */
bool redirect_watches(const struct supervisor *supervisor);

/* Plans, prints and loads the table for the policy in force, unless it is there already. 0, or -1 with a
 * logged cause: the kernel may then have some of it, until the next time. */
int redirect_load(struct supervisor *supervisor);

/* Once a second: prints anew when a window of time may have opened or closed. */
void redirect_tick(struct supervisor *supervisor);

/* Adds what the kernel's rules have counted since the last time to the rules' hits. */
void redirect_count(struct supervisor *supervisor);

/* Somebody removed the table: puts it back, or tries again in a second. */
void redirect_mend(struct supervisor *supervisor);

/* On the way down: captures nothing new, but lets what is under way still reach us; then removes all. */
void redirect_ebb(struct supervisor *supervisor);
void redirect_end(struct supervisor *supervisor);

/* Frees what was remembered. */
void redirect_forget(struct supervisor *supervisor);
