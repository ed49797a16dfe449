/* Random numbers that are the same for one beginning on every machine (splitmix64). */
#pragma once

#include <stdint.h>

/* Begins a series. */
void dice_begin(uint64_t seed);

/* The next number, below this one. */
unsigned pick(unsigned below);
