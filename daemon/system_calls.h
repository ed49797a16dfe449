/* The system calls that each role needs, as a seccomp filter: whatever is not among them ends the process. */
#pragma once

#include "daemon/privilege.h"

/* Locks the calling process for good. A kernel without filters is warned about. 0, or -1 with errno: the kernel has
 * filters and did not take this one. With HEADGATE_SECCOMP=trap in the environment the number of a refused call is
 * logged before the process ends. */
int system_calls_lock(enum privilege_role role);
