#include "daemon/passing.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

union ancillary {
	char bytes[CMSG_SPACE(PASSING_MAX * sizeof(int))];
	struct cmsghdr aligned;
};

int passing_open(int channel[static 2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, channel);
}

static void put_descriptors(struct msghdr *message, union ancillary *ancillary,
			    const int *descriptors, size_t count)
{
	struct cmsghdr *header;

	message->msg_control = ancillary->bytes;
	message->msg_controllen = CMSG_SPACE(count * sizeof(int));
	header = CMSG_FIRSTHDR(message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
}

int passing_send(int channel, const void *message, size_t size, const int *descriptors,
		 size_t count)
{
	struct iovec part = { (void *)(uintptr_t)message, size };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	union ancillary ancillary = { { 0 } };

	if (count > PASSING_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (count)
		put_descriptors(&header, &ancillary, descriptors, count);
	return sendmsg(channel, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -1 : 0;
}

static size_t take_descriptors(struct msghdr *message, int *descriptors)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	size_t count;

	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		return 0;
	count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(descriptors, CMSG_DATA(header), count * sizeof(int));
	return count;
}

ssize_t passing_receive(int channel, void *message, size_t size, int *descriptors, size_t room,
			size_t *count)
{
	struct iovec part = { message, size };
	union ancillary ancillary = { { 0 } };
	struct msghdr header = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = ancillary.bytes,
		/* Without the padding of CMSG_SPACE(), where the kernel would find room for one more. */
		.msg_controllen = CMSG_LEN(room * sizeof(int)),
	};
	ssize_t got = recvmsg(channel, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*count = got > 0 ? take_descriptors(&header, descriptors) : 0;
	return got;
}
