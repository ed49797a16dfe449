/* What every process that the supervisor forks does before it begins its own work, and in which order: signals,
 * then what needs root's power, then child_become(), then privilege_confine(), then child_say_ready(). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* For one that lives as long as the supervisor. What a terminal sends to the whole group is ignored, for only the
 * supervisor decides when we go; its SIGTERM makes the descriptor readable that is returned, from now on. -1 with
 * errno. */
int child_open_signals(void);

/* True when SIGTERM has come; asks the descriptor once and does not wait. */
bool child_must_end(int signals);

/* For one with a single errand: signals are as in a new program, and it is killed when the supervisor ends. */
void child_follow_parent(void);

/* Becomes the account, or nobody where it does not exist, with these capabilities and no others, as
 * privilege_drop(). Without root (a test, a developer's run) it stays who it is and gains no new privileges. 0, or
 * -1 with a logged cause. */
int child_become(const char *account, uint64_t capabilities);

/* Writes one byte and closes the descriptor; -1: nobody waits. */
void child_say_ready(int ready);
