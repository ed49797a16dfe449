#include "netfilter/queue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "netfilter/netlink.h"

enum {
	PACKET_MAX = 0xffff,
	RECEIVE_SIZE = PACKET_MAX + 4096,
	SOCKET_BUFFER = 4 << 20, /* bytes; the kernel's line of messages to us */
	VERDICT_SIZE = 128,	 /* without a changed packet */
};

struct queue {
	struct netlink *netlink;
	uint16_t number;
	size_t length; /* of verdicts collected */
	unsigned collected;
	unsigned turn; /* packets that the next queue_read() takes */
	char verdicts[QUEUE_VERDICTS * VERDICT_SIZE];
	char received[RECEIVE_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	char changed[RECEIVE_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
};

static struct nlmsghdr *put_header(void *place, uint16_t type, uint16_t number)
{
	struct nlmsghdr *message =
		netlink_put(place, (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | type), NLM_F_REQUEST, AF_UNSPEC);
	struct nfgenmsg *body = mnl_nlmsg_get_payload(message);

	body->res_id = htons(number);
	return message;
}

static int configure(struct netlink *netlink, uint16_t number)
{
	static const struct nfqnl_msg_config_cmd bind = { .command = NFQNL_CFG_CMD_BIND };
	const struct nfqnl_msg_config_params params = { htonl(PACKET_MAX), NFQNL_COPY_PACKET };
	const uint32_t flags = htonl(NFQA_CFG_F_FAIL_OPEN | NFQA_CFG_F_GSO);
	char storage[NETLINK_MESSAGE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message = put_header(storage, NFQNL_MSG_CONFIG, number);

	mnl_attr_put(message, NFQA_CFG_CMD, sizeof(bind), &bind);
	if (netlink_request(netlink, message) < 0)
		return -1;
	message = put_header(storage, NFQNL_MSG_CONFIG, number);
	mnl_attr_put(message, NFQA_CFG_PARAMS, sizeof(params), &params);
	mnl_attr_put_u32(message, NFQA_CFG_QUEUE_MAXLEN, htonl(QUEUE_LENGTH));
	mnl_attr_put_u32(message, NFQA_CFG_FLAGS, flags);
	mnl_attr_put_u32(message, NFQA_CFG_MASK, flags);
	return netlink_request(netlink, message);
}

/* A full line to us must not look like an error of ours: the kernel lets the packet pass then. */
static void widen(int fd)
{
	const int buffer = SOCKET_BUFFER, yes = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &yes, sizeof(yes));
}

static struct queue *make(uint16_t number, struct netlink *netlink)
{
	struct queue *queue = netlink ? malloc(sizeof(*queue)) : NULL;

	if (!queue) {
		netlink_close(netlink);
		return NULL;
	}
	queue->netlink = netlink;
	queue->number = number;
	queue->length = queue->collected = 0;
	queue->turn = 1;
	return queue;
}

struct queue *queue_adopt(uint16_t number, int descriptor)
{
	return make(number, netlink_adopt(descriptor));
}

struct queue *queue_open(uint16_t number)
{
	struct queue *queue = make(number, netlink_open(NETLINK_NETFILTER));
	int error;

	if (!queue)
		return NULL;
	if (configure(queue->netlink, number) == 0) {
		widen(netlink_descriptor(queue->netlink));
		return queue;
	}
	error = errno;
	queue_close(queue);
	errno = error;
	return NULL;
}

void queue_close(struct queue *queue)
{
	if (!queue)
		return;
	netlink_close(queue->netlink);
	free(queue);
}

int queue_descriptor(const struct queue *queue)
{
	return netlink_descriptor(queue->netlink);
}

/* Verdicts */

/* A verdict about a packet that is gone is an error that nobody asks to hear of. */
static void send_verdicts(struct queue *queue)
{
	if (queue->length)
		send(queue_descriptor(queue), queue->verdicts, queue->length, 0);
	queue->length = queue->collected = 0;
}

static void put_verdict(struct nlmsghdr *message, uint32_t id, uint32_t verdict,
			const uint32_t *mark)
{
	const struct nfqnl_msg_verdict_hdr header = { htonl(verdict), htonl(id) };

	mnl_attr_put(message, NFQA_VERDICT_HDR, sizeof(header), &header);
	if (mark)
		mnl_attr_put_u32(message, NFQA_MARK, htonl(*mark));
}

static void collect(struct queue *queue, uint32_t id, uint32_t verdict, const uint32_t *mark)
{
	struct nlmsghdr *message =
		put_header(queue->verdicts + queue->length, NFQNL_MSG_VERDICT, queue->number);

	put_verdict(message, id, verdict, mark);
	queue->length += MNL_ALIGN(message->nlmsg_len);
	if (++queue->collected == QUEUE_VERDICTS)
		send_verdicts(queue);
}

void queue_accept(struct queue *queue, uint32_t id, uint32_t mark)
{
	collect(queue, id, NF_ACCEPT, &mark);
}

void queue_drop(struct queue *queue, uint32_t id)
{
	collect(queue, id, NF_DROP, NULL);
}

void queue_accept_changed(struct queue *queue, uint32_t id, uint32_t mark, struct span bytes)
{
	struct nlmsghdr *message;

	send_verdicts(queue);
	message = put_header(queue->changed, NFQNL_MSG_VERDICT, queue->number);
	put_verdict(message, id, NF_ACCEPT, &mark);
	mnl_attr_put(message, NFQA_PAYLOAD, bytes.length, bytes.bytes);
	send(queue_descriptor(queue), message, message->nlmsg_len, 0);
}

/* Packets */

static int note(const struct nlattr *attribute, void *context)
{
	const struct nlattr **attributes = context;

	if (mnl_attr_type_valid(attribute, NFQA_MAX) > 0)
		attributes[mnl_attr_get_type(attribute)] = attribute;
	return MNL_CB_OK;
}

static uint32_t number_of(const struct nlattr *attribute)
{
	return attribute ? ntohl(mnl_attr_get_u32(attribute)) : 0;
}

static bool read_packet(const struct nlmsghdr *message, struct queue_packet *packet)
{
	const struct nlattr *attributes[NFQA_MAX + 1] = { NULL };
	const struct nfqnl_msg_packet_hdr *header;
	const struct nfqnl_msg_packet_hw *sender;

	if (mnl_attr_parse(message, sizeof(struct nfgenmsg), note, attributes) < 0 ||
	    !attributes[NFQA_PACKET_HDR])
		return false;
	header = mnl_attr_get_payload(attributes[NFQA_PACKET_HDR]);
	*packet = (struct queue_packet){
		.id = ntohl(header->packet_id),
		.outgoing = header->hook == NF_INET_LOCAL_OUT,
		.mark = number_of(attributes[NFQA_MARK]),
		.port = number_of(attributes[NFQA_IFINDEX_INDEV]),
	};
	if (attributes[NFQA_HWADDR]) {
		sender = mnl_attr_get_payload(attributes[NFQA_HWADDR]);
		if (ntohs(sender->hw_addrlen) == 6)
			packet->mac = sender->hw_addr;
	}
	if (attributes[NFQA_PAYLOAD])
		packet->bytes = (struct span){ mnl_attr_get_payload(attributes[NFQA_PAYLOAD]),
					       mnl_attr_get_payload_len(attributes[NFQA_PAYLOAD]) };
	return true;
}

static void hand_over(const struct queue *queue, size_t length, queue_each *each, void *context)
{
	const struct nlmsghdr *message = (const struct nlmsghdr *)queue->received;

	for (int left = (int)length; mnl_nlmsg_ok(message, left);
	     message = mnl_nlmsg_next(message, &left)) {
		struct queue_packet packet;

		if (message->nlmsg_type == (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET) &&
		    read_packet(message, &packet))
			each(context, &packet);
	}
}

/* One that comes alone costs no second look: only where packets come closer together are more taken
 * in a turn. */
int queue_read(struct queue *queue, queue_each *each, void *context)
{
	int result = 1;

	for (unsigned i = 0; i < queue->turn && result > 0; i++) {
		ssize_t length = recv(queue_descriptor(queue), queue->received,
				      sizeof(queue->received), MSG_DONTWAIT);

		if (length > 0)
			hand_over(queue, (size_t)length, each, context);
		else if (length < 0 && errno != EINTR && errno != ENOBUFS)
			result = errno == EAGAIN ? 0 : -1;
	}
	if (result == 0)
		queue->turn = 1;
	else if (queue->turn < QUEUE_TURN)
		queue->turn *= 2;
	send_verdicts(queue);
	return result;
}
