/* Why lists could not be compiled, in words for their owner: what is missing, how much of it, and what helps. */
#pragma once

#include <stdint.h>

enum { SHORTFALL_TEXT = 400 };

/* Prints it for this errno; room is how many bytes compiling takes in the directory. No line, no full stop. */
void shortfall_print(char text[static SHORTFALL_TEXT], int error, const char *directory, uint64_t room);
