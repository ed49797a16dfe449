/* What a process becomes behind the fork: its settings out of what the supervisor has, and the descriptors it keeps. */
#pragma once

#include "daemon/supervisor/children.h"

/* In the child. ready: where it will say that it is; -1: nobody waits. */
void become(const struct child *child, int ready) __attribute__((noreturn));
