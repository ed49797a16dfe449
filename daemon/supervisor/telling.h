/* The policy in force, told to every process that decides by it: workers, packet doors, and those of the program
 * before. */
#pragma once

#include <stdbool.h>

struct supervisor;

/* Sends it; packed is as sources_pack() has it and stays the caller's. Who does not listen is replaced. */
void telling_begin(struct supervisor *supervisor, int packed);

/* True when every worker and packet door has it. */
bool telling_is_done(const struct supervisor *supervisor);
