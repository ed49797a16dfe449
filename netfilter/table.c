#include "netfilter/table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <nftables/libnftables.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netfilter/netlink.h"

enum { LOAD_MILLISECONDS = 30000 };

/* What the child sends back: one byte, then nft's words. */
enum { VERDICT_DONE = 'd', VERDICT_REFUSED = 'r' };

static void write_all(int descriptor, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t written = write(descriptor, bytes, length);
		if (written <= 0)
			return;
		bytes += written;
		length -= (size_t)written;
	}
}

static int run_nft(const char *rules, bool dry_run, int answers)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	char verdict = VERDICT_REFUSED;

	if (!nft || nft_ctx_buffer_error(nft) || nft_ctx_buffer_output(nft))
		return EXIT_FAILURE;
	nft_ctx_set_dry_run(nft, dry_run);
	if (nft_run_cmd_from_buffer(nft, rules) == 0)
		verdict = VERDICT_DONE;
	write_all(answers, &verdict, 1);
	if (verdict == VERDICT_REFUSED) {
		const char *words = nft_ctx_get_error_buffer(nft);
		write_all(answers, words, strlen(words));
	}
	return EXIT_SUCCESS;
}

/* Starts the child; the parent's signal handlers must not run in it, so it is born with every
 * signal blocked and all but SIGKILL stay so. */
static pid_t start_nft(const char *rules, bool dry_run, int answers[static 2])
{
	sigset_t all, before;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid_t child = fork();
	if (child == 0) {
		close(answers[0]);
		_exit(run_nft(rules, dry_run, answers[1]));
	}
	int error = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return child;
}

/* Reads until the child closes its end; what does not fit is read and forgotten. False: it took too
 * long. */
static bool hear_out(int descriptor, char *verdict, char message[static TABLE_MESSAGE])
{
	struct pollfd pipe_end = { .fd = descriptor, .events = POLLIN };
	char bytes[TABLE_MESSAGE];
	size_t length = 0;

	*verdict = 0;
	for (;;) {
		int ready = poll(&pipe_end, 1, LOAD_MILLISECONDS);
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return false;
		ssize_t got = read(descriptor, bytes, sizeof(bytes));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		size_t skip = *verdict ? 0 : 1;
		if (!*verdict)
			*verdict = bytes[0];
		size_t room = TABLE_MESSAGE - 1 - length;
		size_t taken = (size_t)got - skip < room ? (size_t)got - skip : room;
		memcpy(message + length, bytes + skip, taken);
		length += taken;
	}
	while (length > 0 && message[length - 1] == '\n')
		length--;
	message[length] = 0;
	return true;
}

static int run(const char *rules, bool dry_run, char message[static TABLE_MESSAGE])
{
	int answers[2];
	int error = 0;
	char verdict;

	message[0] = 0;
	if (pipe2(answers, O_CLOEXEC))
		return -1;
	pid_t child = start_nft(rules, dry_run, answers);
	close(answers[1]);
	if (child < 0) {
		error = errno;
		goto close_pipe;
	}
	if (!hear_out(answers[0], &verdict, message)) {
		kill(child, SIGKILL);
		error = ETIMEDOUT;
	} else if (verdict != VERDICT_DONE) {
		error = verdict == VERDICT_REFUSED ? EPROTO : ENOMEM;
	}
	/* Whoever waits for all children may have been quicker. */
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
close_pipe:
	close(answers[0]);
	errno = error;
	return error ? -1 : 0;
}

int table_load(const char *rules, char message[static TABLE_MESSAGE])
{
	return run(rules, false, message);
}

int table_check(const char *rules, char message[static TABLE_MESSAGE])
{
	return run(rules, true, message);
}

static int look_for_table(struct netlink *netlink, const char *name)
{
	char storage[NETLINK_MESSAGE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message = netlink_put(storage, NFT(NFT_MSG_GETTABLE), 0, NFPROTO_INET);

	mnl_attr_put_strz(message, NFTA_TABLE_NAME, name);
	return netlink_request(netlink, message);
}

static int send_removal(struct netlink *netlink, const char *name)
{
	char batch[NETLINK_MESSAGE] __attribute__((aligned(NLMSG_ALIGNTO)));
	char *end = batch;
	struct nlmsghdr *message;

	end += netlink_put_mark(end, NFNL_MSG_BATCH_BEGIN);
	message = netlink_put(end, NFT(NFT_MSG_DELTABLE), NLM_F_ACK, NFPROTO_INET);
	mnl_attr_put_strz(message, NFTA_TABLE_NAME, name);
	end += message->nlmsg_len;
	end += netlink_put_mark(end, NFNL_MSG_BATCH_END);
	return netlink_send_batch(netlink, batch, (size_t)(end - batch));
}

int table_remove_named(const char *name)
{
	struct netlink *netlink = netlink_open(NETLINK_NETFILTER);
	if (!netlink)
		return -1;

	/* A transaction that fails keeps its caller waiting until all processors have noticed. */
	if (look_for_table(netlink, name) < 0 && errno == ENOENT) {
		netlink_close(netlink);
		return 0;
	}
	int result = send_removal(netlink, name);
	int error = errno;
	netlink_close(netlink);
	errno = error;
	return result && error == ENOENT ? 0 : result;
}

int table_remove(void)
{
	return table_remove_named(TABLE_NAME);
}

static int note_rule(const struct nlmsghdr *message, void *context)
{
	bool *seen = context;

	if (message->nlmsg_type == NFT(NFT_MSG_NEWRULE))
		*seen = true;
	return *seen;
}

enum table_state table_look(void)
{
	char storage[NETLINK_MESSAGE] __attribute__((aligned(NLMSG_ALIGNTO)));
	bool seen = false;
	struct netlink *netlink = netlink_open(NETLINK_NETFILTER);
	if (!netlink)
		return TABLE_UNKNOWN;

	struct nlmsghdr *message =
		netlink_put(storage, NFT(NFT_MSG_GETRULE), NLM_F_DUMP, NFPROTO_INET);
	mnl_attr_put_strz(message, NFTA_RULE_TABLE, TABLE_NAME);
	int result = netlink_ask(netlink, message, note_rule, &seen);
	int error = result ? errno : 0;
	netlink_close(netlink);
	errno = error;
	if (seen)
		return TABLE_PRESENT;
	return result && error != ENOENT ? TABLE_UNKNOWN : TABLE_ABSENT;
}
