/* A socket that sends packets whose IP header we have written: resets in a server's or client's
 * name, answers of DNS. It receives nothing. */
#pragma once

#include <stdint.h>
#include <sys/socket.h>

/* family: AF_INET or AF_INET6. The descriptor, non-blocking and close-on-exec; -1 with errno. Needs
 * CAP_NET_RAW to open, nothing to use. */
int raw_open(sa_family_t family);

/* The mark of what it sends from now on. 0; -1 with errno. Needs CAP_NET_ADMIN. */
int raw_mark(int fd, uint32_t mark);
