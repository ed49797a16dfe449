/* The file system and the network, closed to a process but for what is named; as in the kernel's
 * Documentation/userspace-api/landlock.rst. */
#pragma once

#include <stdbool.h>

/* What stays open. The lists end with NULL; a path that is not there is not kept. */
struct landlock_exceptions {
	const char *const *written; /* directories in which files may be read, made and removed */
	const char *const *read;    /* directories and files that may be read */
	bool network;               /* binding and connecting by TCP */
};

/* Closes everything else to the calling process, for good. It must have no new privileges. A kernel without
 * Landlock is warned about. 0, or -1 with errno: the kernel has it and did not do it. */
int landlock_close(const struct landlock_exceptions *exceptions);
