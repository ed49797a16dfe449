/* How much memory there is still for what the kernel keeps on our behalf: it is charged to our control group,
 * and where that has no bound, to the machine. */
#pragma once

#include <stddef.h>

/* Bytes: what is free or can be freed at once, of the machine and of every control group that this process is
 * in, whichever has least. 0 when the kernel does not say. */
size_t memory_left(void);
