/* The console comes and goes with the policy: its door, its token, its process. */
#pragma once

#include <stdbool.h>

struct policy;
struct supervisor;

/* True when the console is called by the same names and addresses, and speaks TLS or not, under both policies. */
bool hosting_is_alike(const struct policy *a, const struct policy *b);

/* Makes the console what the policy in force says; before (NULL at the start) is the one that was. Without it
 * everything else still works: what goes wrong is logged. */
void hosting_follow(struct supervisor *supervisor, const struct policy *before);

/* Ports come and go. Call once a second. */
void hosting_tick(struct supervisor *supervisor);

/* Closes the door; the process has ended. */
void hosting_end(struct supervisor *supervisor);
