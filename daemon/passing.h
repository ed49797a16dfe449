/* Messages over SOCK_SEQPACKET pairs with open descriptors beside them (unix(7), SCM_RIGHTS). Neither end ever
 * waits. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

enum { PASSING_MAX = 64 }; /* descriptors beside one message */

/* Makes a pair, non-blocking, close-on-exec. 0, or -1 with errno. */
int passing_open(int channel[static 2]);

/* Sends one message with count descriptors (at most PASSING_MAX), which stay the caller's. 0, or -1 with errno:
 * EAGAIN when the other end does not read. */
int passing_send(int channel, const void *message, size_t size, const int *descriptors,
		 size_t count);

/* Receives one message of at most size bytes; descriptors (room of them, at most PASSING_MAX; what is more is closed)
 * become the caller's, close-on-exec, *count of them. Its length; 0: the other end is gone; -1 with errno, EAGAIN:
 * none now. */
ssize_t passing_receive(int channel, void *message, size_t size, int *descriptors, size_t room,
			size_t *count);
