#include "daemon/control/introduction.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

union ancillary {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr aligned;
};

int introduction_open(int channel[static 2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, channel);
}

static int hand_over(int channel, int descriptor)
{
	char nothing = 0;
	struct iovec part = { &nothing, 1 };
	union ancillary ancillary = { { 0 } };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = ancillary.bytes,
		.msg_controllen = sizeof(ancillary.bytes),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
	return sendmsg(channel, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -1 : 0;
}

int introduction_make(int channel)
{
	int ends[2], result, saved;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0)
		return -1;
	result = hand_over(channel, ends[1]);
	saved = errno;
	close(ends[1]);
	if (result < 0)
		close(ends[0]);
	errno = saved;
	return result < 0 ? -1 : ends[0];
}

static int find_descriptor(struct msghdr *message)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	int descriptor;

	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
	    header->cmsg_len != CMSG_LEN(sizeof(int)))
		return -1;
	memcpy(&descriptor, CMSG_DATA(header), sizeof(int));
	return descriptor;
}

int introduction_take(int channel)
{
	char nothing;
	struct iovec part = { &nothing, 1 };
	union ancillary ancillary = { { 0 } };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = ancillary.bytes,
		.msg_controllen = sizeof(ancillary.bytes),
	};
	ssize_t got = recvmsg(channel, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int descriptor;

	if (got == 0)
		errno = EPIPE;
	if (got <= 0)
		return -1;
	descriptor = find_descriptor(&message);
	if (descriptor < 0)
		errno = EBADMSG;
	return descriptor;
}
