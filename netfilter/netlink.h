/* A netlink conversation: open, ask, listen. All of libmnl's socket handling is behind this file;
 * its users only build messages (mnl_nlmsg_put_…) and read attributes (mnl_attr_parse). */
#pragma once

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

struct netlink;

enum { NETLINK_MESSAGE = 4096 }; /* bytes that hold any one request of ours */

/* Receives one message of an answer or of a group. Non-zero: no more of this answer, please (the
 * rest is still taken off the socket). */
typedef int netlink_each(const struct nlmsghdr *message, void *context);

/* The type of a message of nftables (NFT_MSG_…). */
#define NFT(type) ((uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | (type)))

/* Begins a message to netfilter at place, which holds NETLINK_MESSAGE bytes; the attributes are the caller's. type: the
 * subsystem in the upper byte. */
struct nlmsghdr *netlink_put(void *place, uint16_t type, uint16_t flags, uint8_t family);

/* The first and the last message of a batch for nftables: NFNL_MSG_BATCH_BEGIN, NFNL_MSG_BATCH_END. Its length. */
size_t netlink_put_mark(void *place, uint16_t type);

/* Opens a conversation with a family (NETLINK_ROUTE, NETLINK_NETFILTER); close-on-exec. A kernel
 * that does not answer within 2 s is an error (EAGAIN), never a hang. NULL with errno. */
struct netlink *netlink_open(int family);

/* Opens a non-blocking listener on groups (bit n - 1 for group n; at most 32) for an event loop.
 * NULL with errno. */
struct netlink *netlink_listen(int family, uint32_t groups);

/* Goes on with a conversation that another process began with netlink_open(); the descriptor is taken over, also
 * on failure. NULL with errno. */
struct netlink *netlink_adopt(int descriptor);

/* NULL is fine. */
void netlink_close(struct netlink *netlink);

int netlink_descriptor(const struct netlink *netlink);

/* Sends one request and waits for its acknowledgement. NLM_F_REQUEST, NLM_F_ACK and the sequence
 * number are added. 0, or -1 with the errno the kernel answered (EEXIST, ENOENT, EPERM, …). */
int netlink_request(struct netlink *netlink, struct nlmsghdr *message);

/* Sends one request and hands every message of its answer to each: a dump when the caller set
 * NLM_F_DUMP, else the single object. 0, or -1 with errno; EINTR: the objects changed during the
 * dump, ask again. */
int netlink_ask(struct netlink *netlink, struct nlmsghdr *message, netlink_each *each,
		void *context);

/* The same in a conversation of its own with the family. */
int netlink_ask_once(int family, struct nlmsghdr *message, netlink_each *each, void *context);

/* Sends a batch (nfnetlink begin … end, length bytes) of which one message inside asks for an
 * acknowledgement (NLM_F_ACK), and waits for it. 0, or -1 with errno; then nothing of the batch
 * took place. */
int netlink_send_batch(struct netlink *netlink, void *batch, size_t length);

/* Hands everything that waits at a listener to each. 0 when it is empty again; -1 with errno, of
 * which ENOBUFS means that messages were lost: read the whole state anew. */
int netlink_drain(struct netlink *netlink, netlink_each *each, void *context);
