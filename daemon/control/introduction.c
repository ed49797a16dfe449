#include "daemon/control/introduction.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/passing.h"

int introduction_open(int channel[static 2])
{
	return passing_open(channel);
}

int introduction_make(int channel)
{
	int ends[2], result, saved;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0)
		return -1;
	result = passing_send(channel, "", 1, &ends[1], 1);
	saved = errno;
	close(ends[1]);
	if (result < 0)
		close(ends[0]);
	errno = saved;
	return result < 0 ? -1 : ends[0];
}

int introduction_take(int channel)
{
	char nothing;
	int descriptor;
	size_t count;
	ssize_t got = passing_receive(channel, &nothing, 1, &descriptor, 1, &count);

	if (got == 0)
		errno = EPIPE;
	if (got <= 0)
		return -1;
	if (count)
		return descriptor;
	errno = EBADMSG;
	return -1;
}
