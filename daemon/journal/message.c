#include "daemon/journal/message.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

int message_send(int channel, enum message_kind kind, uint32_t number, const char *text,
		 size_t length)
{
	struct message_header header = { .kind = kind, .number = number };
	struct iovec parts[] = {
		{ .iov_base = &header, .iov_len = sizeof header },
		{ .iov_base = (char *)text, .iov_len = length },
	};
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t sent;

	do
		sent = sendmsg(channel, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

/* A peer that closed with something unread leaves one ECONNRESET before what it had sent (unix(7)).
 */
static bool is_passing(int error)
{
	return error == EINTR || error == ECONNRESET;
}

/* An empty message reads like the end of the stream; a worker must not be able to shut its successors out with
 * one. */
static bool is_over(int channel)
{
	struct pollfd look = { .fd = channel };

	return poll(&look, 1, 0) > 0 && (look.revents & (POLLHUP | POLLNVAL));
}

static bool is_well_formed(const struct msghdr *message, ssize_t received)
{
	return received >= (ssize_t)sizeof(struct message_header) &&
	       !(message->msg_flags & (MSG_TRUNC | MSG_CTRUNC));
}

enum message_answer message_receive(int channel, struct message_header *header,
				    char text[static MESSAGE_TEXT_MAX], size_t *length)
{
	struct iovec parts[] = {
		{ .iov_base = header, .iov_len = sizeof *header },
		{ .iov_base = text, .iov_len = MESSAGE_TEXT_MAX },
	};
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t received;

	for (;;) {
		received = recvmsg(channel, &message, MSG_DONTWAIT);
		if (received < 0 && is_passing(errno))
			continue;
		if (received < 0)
			return errno == EAGAIN ? MESSAGE_NOTHING : MESSAGE_CLOSED;
		if (received == 0 && is_over(channel))
			return MESSAGE_CLOSED;
		if (!is_well_formed(&message, received))
			continue;
		*length = (size_t)received - sizeof *header;
		return MESSAGE_TAKEN;
	}
}
