/* The least that looking at packets can cost: accepts everything in queue 7446, one verdict at a time, as the library's own
 * example does. SIGTERM: prints how many there were. */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NUMBER = 7446, LENGTH = 4096, BUFFER = 4 << 20 };

static struct mnl_socket *queue;
static unsigned long seen;
static char buffer[0xffff + 4096];

static int accept_packet(const struct nlmsghdr *message, void *mark)
{
	struct nlattr *attributes[NFQA_MAX + 1] = { NULL };
	const struct nfqnl_msg_packet_hdr *header;
	char storage[256];
	struct nlmsghdr *verdict = nfq_nlmsg_put(storage, NFQNL_MSG_VERDICT, NUMBER);

	nfq_nlmsg_parse(message, attributes);
	header = mnl_attr_get_payload(attributes[NFQA_PACKET_HDR]);
	nfq_nlmsg_verdict_put(verdict, (int)ntohl(header->packet_id), NF_ACCEPT);
	nfq_nlmsg_verdict_put_mark(verdict, *(const unsigned *)mark);
	mnl_socket_sendto(queue, verdict, verdict->nlmsg_len);
	seen++;
	return MNL_CB_OK;
}

static void tell(int number)
{
	(void)number;
	printf("%lu\n", seen);
	fflush(stdout);
	_exit(EXIT_SUCCESS);
}

static void configure(void)
{
	const unsigned flags = htonl(NFQA_CFG_F_GSO | NFQA_CFG_F_FAIL_OPEN);
	const int size = BUFFER, yes = 1;
	struct nlmsghdr *message = nfq_nlmsg_put(buffer, NFQNL_MSG_CONFIG, NUMBER);

	nfq_nlmsg_cfg_put_cmd(message, AF_INET, NFQNL_CFG_CMD_BIND);
	mnl_socket_sendto(queue, message, message->nlmsg_len);
	message = nfq_nlmsg_put(buffer, NFQNL_MSG_CONFIG, NUMBER);
	nfq_nlmsg_cfg_put_params(message, NFQNL_COPY_PACKET, 0xffff);
	nfq_nlmsg_cfg_put_qmaxlen(message, LENGTH);
	mnl_attr_put_u32(message, NFQA_CFG_FLAGS, flags);
	mnl_attr_put_u32(message, NFQA_CFG_MASK, flags);
	mnl_socket_sendto(queue, message, message->nlmsg_len);
	setsockopt(mnl_socket_get_fd(queue), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(mnl_socket_get_fd(queue), SOL_NETLINK, NETLINK_NO_ENOBUFS, &yes, sizeof(yes));
}

int main(int argc, char **arguments)
{
	unsigned mark = argc > 1 ? (unsigned)strtoul(arguments[1], NULL, 0) : 0;

	signal(SIGTERM, tell);
	queue = mnl_socket_open(NETLINK_NETFILTER);
	if (!queue || mnl_socket_bind(queue, 0, MNL_SOCKET_AUTOPID) < 0) {
		perror("lim_queue");
		return EXIT_FAILURE;
	}
	configure();
	for (;;) {
		ssize_t length = mnl_socket_recvfrom(queue, buffer, sizeof(buffer));

		if (length > 0)
			mnl_cb_run(buffer, (size_t)length, 0, mnl_socket_get_portid(queue),
				   accept_packet, &mark);
	}
}
