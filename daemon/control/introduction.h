/* A connected socket, handed to another process over a SOCK_SEQPACKET pair. So a process that may make no
 * connection of its own gets to put questions to one that answers them, and to nobody else. */
#pragma once

/* Makes the pair: channel[0] is the end of who introduces, channel[1] of who is told. Non-blocking,
 * close-on-exec. 0, or -1 with errno. */
int introduction_open(int channel[static 2]);

/* Makes a socket pair, hands one end over and returns the other: a stream, non-blocking, close-on-exec, the
 * caller's. -1 with errno: EAGAIN when too many introductions wait already. */
int introduction_make(int channel);

/* The next socket handed over; the caller's, non-blocking. -1 with errno: EAGAIN none now, EPIPE the other end is
 * closed, EBADMSG something else was sent. */
int introduction_take(int channel);
