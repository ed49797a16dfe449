#include "netfilter/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
	ANSWER_SECONDS = 2,
	RECEIVE_SIZE = 32768, /* the kernel never makes a datagram larger than this */
};

struct netlink {
	struct mnl_socket *socket;
	unsigned sequence;
	unsigned port;
	char buffer[RECEIVE_SIZE];
};

struct nlmsghdr *netlink_put(void *place, uint16_t type, uint16_t flags, uint8_t family)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(place);
	struct nfgenmsg *body = mnl_nlmsg_put_extra_header(message, sizeof(*body));

	message->nlmsg_type = type;
	message->nlmsg_flags = flags;
	body->nfgen_family = family;
	body->version = NFNETLINK_V0;
	return message;
}

size_t netlink_put_mark(void *place, uint16_t type)
{
	struct nlmsghdr *message = netlink_put(place, type, NLM_F_REQUEST, AF_UNSPEC);
	struct nfgenmsg *body = mnl_nlmsg_get_payload(message);

	body->res_id = htons(NFNL_SUBSYS_NFTABLES);
	return message->nlmsg_len;
}

static struct netlink *open_with(int family, int flags, uint32_t groups)
{
	struct netlink *netlink = malloc(sizeof(*netlink));
	if (!netlink)
		return NULL;
	netlink->socket = mnl_socket_open2(family, SOCK_CLOEXEC | flags);
	if (netlink->socket && mnl_socket_bind(netlink->socket, groups, MNL_SOCKET_AUTOPID) == 0) {
		netlink->port = mnl_socket_get_portid(netlink->socket);
		netlink->sequence = (unsigned)time(NULL);
		return netlink;
	}
	int error = errno;
	netlink_close(netlink);
	errno = error;
	return NULL;
}

struct netlink *netlink_open(int family)
{
	static const struct timeval patience = { .tv_sec = ANSWER_SECONDS };
	struct netlink *netlink = open_with(family, 0, 0);

	if (netlink)
		setsockopt(netlink_descriptor(netlink), SOL_SOCKET, SO_RCVTIMEO, &patience,
			   sizeof(patience));
	return netlink;
}

struct netlink *netlink_listen(int family, uint32_t groups)
{
	return open_with(family, SOCK_NONBLOCK, groups);
}

struct netlink *netlink_adopt(int descriptor)
{
	struct netlink *netlink = malloc(sizeof(*netlink));
	int error;

	if (netlink)
		netlink->socket = mnl_socket_fdopen(descriptor);
	if (netlink && netlink->socket) {
		netlink->port = mnl_socket_get_portid(netlink->socket);
		netlink->sequence = (unsigned)time(NULL);
		return netlink;
	}
	error = errno;
	close(descriptor);
	free(netlink);
	errno = error;
	return NULL;
}

void netlink_close(struct netlink *netlink)
{
	if (!netlink)
		return;
	if (netlink->socket)
		mnl_socket_close(netlink->socket);
	free(netlink);
}

int netlink_descriptor(const struct netlink *netlink)
{
	return mnl_socket_get_fd(netlink->socket);
}

static ssize_t receive(struct netlink *netlink)
{
	ssize_t length;

	do
		length = mnl_socket_recvfrom(netlink->socket, netlink->buffer, RECEIVE_SIZE);
	while (length < 0 && errno == EINTR);
	return length;
}

/* What a reading is about, and how far it came. */
struct reading {
	netlink_each *each;
	void *context;
	unsigned sequence;
	bool stopped; /* by each: the rest of a dump is still taken off the socket */
	bool finished;
	bool interrupted;
	int error;
};

static int error_of(const struct nlmsghdr *message)
{
	if (mnl_nlmsg_get_payload_len(message) < sizeof(struct nlmsgerr))
		return EBADMSG;
	const struct nlmsgerr *answer = mnl_nlmsg_get_payload(message);
	return answer->error < 0 ? -answer->error : answer->error;
}

static void read_message(struct reading *reading, const struct nlmsghdr *message)
{
	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		reading->interrupted = true;
	switch (message->nlmsg_type) {
	case NLMSG_NOOP:
		return;
	case NLMSG_ERROR:
		reading->error = error_of(message);
		reading->finished = true;
		return;
	case NLMSG_DONE:
		reading->finished = true;
		return;
	default:
		if (reading->each && !reading->stopped)
			reading->stopped = reading->each(message, reading->context) != 0;
	}
}

/* Messages that answer an older request, one that gave up waiting, are stepped over. */
static void read_buffer(struct netlink *netlink, size_t length, struct reading *reading)
{
	const struct nlmsghdr *message = (const struct nlmsghdr *)netlink->buffer;

	for (int left = (int)length; mnl_nlmsg_ok(message, left);
	     message = mnl_nlmsg_next(message, &left))
		if (message->nlmsg_seq == reading->sequence &&
		    mnl_nlmsg_portid_ok(message, netlink->port))
			read_message(reading, message);
}

static int read_answer(struct netlink *netlink, struct reading *reading)
{
	while (!reading->finished) {
		ssize_t length = receive(netlink);
		if (length < 0)
			return -1;
		if (length == 0)
			break;
		read_buffer(netlink, (size_t)length, reading);
	}
	if (!reading->error && reading->interrupted)
		reading->error = EINTR;
	errno = reading->error;
	return reading->error ? -1 : 0;
}

/* Every request asks for an acknowledgement, also one for a single object: it ends the answer. A
 * dump ends by itself. */
static void address_message(struct netlink *netlink, struct nlmsghdr *message)
{
	message->nlmsg_flags |= NLM_F_REQUEST;
	if ((message->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		message->nlmsg_flags |= NLM_F_ACK;
	message->nlmsg_seq = ++netlink->sequence;
}

static int converse(struct netlink *netlink, const void *bytes, size_t length,
		    struct reading *reading)
{
	if (mnl_socket_sendto(netlink->socket, bytes, length) < 0)
		return -1;
	reading->sequence = netlink->sequence;
	return read_answer(netlink, reading);
}

int netlink_ask(struct netlink *netlink, struct nlmsghdr *message, netlink_each *each,
		void *context)
{
	struct reading reading = { .each = each, .context = context };

	address_message(netlink, message);
	return converse(netlink, message, message->nlmsg_len, &reading);
}

int netlink_ask_once(int family, struct nlmsghdr *message, netlink_each *each, void *context)
{
	struct netlink *netlink = netlink_open(family);
	int result = netlink ? netlink_ask(netlink, message, each, context) : -1;
	int error = errno;

	netlink_close(netlink);
	errno = error;
	return result;
}

int netlink_request(struct netlink *netlink, struct nlmsghdr *message)
{
	return netlink_ask(netlink, message, NULL, NULL);
}

int netlink_send_batch(struct netlink *netlink, void *batch, size_t length)
{
	struct reading reading = { .each = NULL };
	struct nlmsghdr *message = batch;

	netlink->sequence++;
	for (int left = (int)length; mnl_nlmsg_ok(message, left);
	     message = mnl_nlmsg_next(message, &left)) {
		message->nlmsg_flags |= NLM_F_REQUEST;
		message->nlmsg_seq = netlink->sequence;
	}
	return converse(netlink, batch, length, &reading);
}

int netlink_drain(struct netlink *netlink, netlink_each *each, void *context)
{
	for (;;) {
		ssize_t length = receive(netlink);
		if (length < 0)
			return errno == EAGAIN ? 0 : -1;
		if (length == 0)
			return 0;
		const struct nlmsghdr *message = (const struct nlmsghdr *)netlink->buffer;
		for (int left = (int)length; mnl_nlmsg_ok(message, left);
		     message = mnl_nlmsg_next(message, &left))
			each(message, context);
	}
}
