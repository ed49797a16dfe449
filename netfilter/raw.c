#include "netfilter/raw.h"

#include <netinet/in.h>
#include <unistd.h>

#ifndef IPV6_HDRINCL
#define IPV6_HDRINCL 36 /* Linux 4.5 */
#endif

int raw_open(sa_family_t family)
{
	/* IPPROTO_RAW receives nothing (raw(7)). */
	int fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW);
	const int yes = 1;

	if (fd < 0)
		return -1;
	if (setsockopt(fd, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
		       family == AF_INET ? IP_HDRINCL : IPV6_HDRINCL, &yes, sizeof(yes)) == 0)
		return fd;
	close(fd);
	return -1;
}

int raw_mark(int fd, uint32_t mark)
{
	return setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
}
