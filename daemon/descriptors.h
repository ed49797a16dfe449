/* A forked child keeps what it was given and nothing else. */
#pragma once

#include <stddef.h>

/* Closes every descriptor from 3 on that is not among kept (any order; negative ones are ignored). */
void descriptors_close_others(const int *kept, size_t count);
