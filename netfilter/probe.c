#include "netfilter/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netfilter/marks.h"
#include "netfilter/netlink.h"
#include "netfilter/rewriting.h"
#include "netfilter/routes.h"
#include "netfilter/ruleset.h"
#include "netfilter/table.h"

enum { PATH_SIZE = 128, TRIAL_PORT = 1 };

__attribute__((format(printf, 3, 4))) static void
find(struct probe *probe, enum finding_severity severity, const char *format, ...)
{
	if (probe->count == FINDINGS_MAX)
		return;
	struct finding *finding = &probe->findings[probe->count++];
	va_list arguments;

	finding->severity = severity;
	va_start(arguments, format);
	vsnprintf(finding->message, sizeof(finding->message), format, arguments);
	va_end(arguments);
}

/* The number in a /proc/sys/net file, 0 when there is no such file. */
__attribute__((format(printf, 1, 2))) static int setting(const char *format, ...)
{
	char path[PATH_SIZE], digits[16];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(path, sizeof(path), format, arguments);
	va_end(arguments);
	int descriptor = open(path, O_RDONLY | O_CLOEXEC);
	if (descriptor < 0)
		return 0;
	ssize_t length = read(descriptor, digits, sizeof(digits) - 1);
	close(descriptor);
	digits[length > 0 ? length : 0] = 0;
	return atoi(digits);
}

/* ---- which way of capturing this kernel knows ---- */

/* Asks the kernel, without changing anything, for the very table that would be loaded. */
static int try_method(const struct policy *policy, enum capture_method method,
		      char message[static TABLE_MESSAGE])
{
	struct ruleset ruleset;

	message[0] = 0;
	ruleset_from_policy(&ruleset, policy, method);
	for (size_t i = 0; i < ruleset.lan_count; i++)
		ruleset.lan[i].listener = TRIAL_PORT;
	char *rules = ruleset_print(&ruleset);
	if (!rules)
		return -1;
	int result = rewriting_try(rules, message);
	int error = errno;
	free(rules);
	errno = error;
	/* The first line says it; the others point into our text. */
	message[strcspn(message, "\n")] = 0;
	return result;
}

static void accept_redirect(struct probe *probe, const struct policy *policy)
{
	probe->method = CAPTURE_REDIRECT;
	if (policy->when_down == WHEN_DOWN_OPEN)
		find(probe, FINDING_WARNING,
		     "`when-down: open` needs tproxy: with `redirect`, captured connections are "
		     "refused while headgated is not running. Say `when-down: closed`, or see to "
		     "tproxy: modprobe -a nft_tproxy nft_socket");
	if (policy->source == SOURCE_KEEP)
		find(probe, FINDING_WARNING,
		     "`source: keep` needs tproxy: with `redirect`, servers see the gateway's "
		     "address. Say `source: own`, or see to tproxy: modprobe -a nft_tproxy "
		     "nft_socket");
}

static void choose_method(struct probe *probe, const struct policy *policy)
{
	enum capture_method wanted = policy->capture.method;
	char message[TABLE_MESSAGE];

	probe->method = CAPTURE_AUTO;
	if (wanted != CAPTURE_REDIRECT) {
		if (try_method(policy, CAPTURE_TPROXY, message) == 0) {
			probe->method = CAPTURE_TPROXY;
			return;
		}
		find(probe, wanted == CAPTURE_TPROXY ? FINDING_ERROR : FINDING_WARNING,
		     "The kernel does not take tproxy rules (%.150s). Mend: modprobe -a nft_tproxy "
		     "nft_socket nft_fib_inet nft_reject_inet; on OpenWrt: opkg install "
		     "kmod-nft-tproxy kmod-nft-socket kmod-nft-fib",
		     message[0] ? message : strerror(errno));
		if (wanted == CAPTURE_TPROXY)
			return;
	}
	if (try_method(policy, CAPTURE_REDIRECT, message) == 0)
		accept_redirect(probe, policy);
	else
		find(probe, FINDING_ERROR,
		     "The kernel does not take redirect rules (%.150s). Mend: modprobe -a "
		     "nft_chain_nat nft_redir nft_fib_inet nft_reject_inet; on OpenWrt: opkg "
		     "install kmod-nft-core kmod-nft-nat kmod-nft-fib",
		     message[0] ? message : strerror(errno));
}

/* ---- the ports ---- */

struct port_facts {
	bool is_bridge;
	bool is_bridge_member;
	bool is_up;
	char master[IF_NAMESIZE];
};

static void note_kinds(const struct nlattr *link_info, struct port_facts *facts)
{
	const struct nlattr *attribute;

	mnl_attr_for_each_nested (attribute, link_info) {
		if (mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) < 0 ||
		    strcmp(mnl_attr_get_str(attribute), "bridge") != 0)
			continue;
		if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND)
			facts->is_bridge = true;
		else if (mnl_attr_get_type(attribute) == IFLA_INFO_SLAVE_KIND)
			facts->is_bridge_member = true;
	}
}

static int note_port(const struct nlmsghdr *message, void *context)
{
	struct port_facts *facts = context;
	const struct ifinfomsg *body = mnl_nlmsg_get_payload(message);
	const struct nlattr *attribute;

	if (message->nlmsg_type != RTM_NEWLINK ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*body))
		return 0;
	facts->is_up = body->ifi_flags & IFF_UP;
	mnl_attr_for_each (attribute, message, sizeof(*body)) {
		if (mnl_attr_get_type(attribute) == IFLA_LINKINFO)
			note_kinds(attribute, facts);
		else if (mnl_attr_get_type(attribute) == IFLA_MASTER &&
			 mnl_attr_get_payload_len(attribute) == sizeof(uint32_t))
			if_indextoname(mnl_attr_get_u32(attribute), facts->master);
	}
	return 0;
}

static int ask_port(struct netlink *netlink, const char *name, struct port_facts *facts)
{
	char storage[NETLINK_MESSAGE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message = mnl_nlmsg_put_header(storage);

	memset(facts, 0, sizeof(*facts));
	message->nlmsg_type = RTM_GETLINK;
	mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(message, IFLA_IFNAME, name);
	return netlink_ask(netlink, message, note_port, facts);
}

/* The reverse path check then looks with the mark, finds table T, and takes every captured packet
 * for a forgery of our own address: measured, whatever rp_filter says. rp_filter itself does no
 * harm. */
static void check_valid_mark(struct probe *probe, const char *port)
{
	if (setting("/proc/sys/net/ipv4/conf/%s/src_valid_mark", port))
		find(probe, FINDING_ERROR,
		     "net.ipv4.conf.%s.src_valid_mark is 1 (wg-quick sets it): the kernel would "
		     "drop every captured IPv4 packet. Mend: sysctl -w "
		     "net.ipv4.conf.%s.src_valid_mark=0",
		     port, port);
}

static void check_bridge(struct probe *probe, const char *port)
{
	static const char *const hooks[] = { "bridge-nf-call-iptables",
					     "bridge-nf-call-ip6tables" };

	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++)
		if (setting("/proc/sys/net/bridge/%s", hooks[i]))
			find(probe, FINDING_WARNING,
			     "net.bridge.%s is 1 (Docker sets it): connections between two devices "
			     "on bridge %s would be captured too. Mend: sysctl -w net.bridge.%s=0",
			     hooks[i], port, hooks[i]);
}

static void check_port(struct probe *probe, struct netlink *netlink, const char *port)
{
	struct port_facts facts;

	if (ask_port(netlink, port, &facts)) {
		find(probe, FINDING_WARNING,
		     "`lan: %s`: there is no such port now; its devices are captured when it "
		     "appears. If it is misspelt: ip link shows the names",
		     port);
		return;
	}
	if (facts.is_bridge_member)
		find(probe, FINDING_WARNING,
		     "`lan: %s`: this port is a member of bridge %s, whose name its packets carry; "
		     "nothing is captured. Say `lan: %s`",
		     port, facts.master, facts.master);
	if (facts.is_bridge)
		check_bridge(probe, port);
	check_valid_mark(probe, port);
}

static void check_ports(struct probe *probe, struct netlink *netlink, const struct policy *policy)
{
	struct port_facts lo;

	if (ask_port(netlink, "lo", &lo) == 0 && !lo.is_up)
		find(probe, FINDING_ERROR,
		     "The loopback port lo is down: captured packets cannot be delivered. Mend: ip "
		     "link set lo up");
	for (size_t i = 0; i < policy->lan_count; i++)
		check_port(probe, netlink, policy->lan[i]);
}

/* ---- routing ---- */

struct rule_facts {
	uint8_t action;
	uint32_t priority;
	uint32_t mark;
	uint32_t mask;
	uint32_t table;
};

struct rule_search {
	struct probe *probe;
	const struct capture *capture;
	const char *command; /* "ip" or "ip -6" */
};

static void read_rule(const struct nlmsghdr *message, struct rule_facts *rule)
{
	const struct fib_rule_hdr *body = mnl_nlmsg_get_payload(message);
	const struct nlattr *attribute;

	*rule = (struct rule_facts){ .action = body->action, .table = body->table };
	mnl_attr_for_each (attribute, message, sizeof(*body)) {
		if (mnl_attr_get_payload_len(attribute) != sizeof(uint32_t))
			continue;
		uint32_t value = mnl_attr_get_u32(attribute);
		switch (mnl_attr_get_type(attribute)) {
		case FRA_PRIORITY:
			rule->priority = value;
			break;
		case FRA_FWMARK:
			rule->mark = value;
			break;
		case FRA_FWMASK:
			rule->mask = value;
			break;
		case FRA_TABLE:
			rule->table = value;
			break;
		}
	}
}

static int note_rule(const struct nlmsghdr *message, void *context)
{
	struct rule_search *search = context;
	const struct capture *capture = search->capture;
	struct rule_facts rule;

	if (message->nlmsg_type != RTM_NEWRULE ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(struct fib_rule_hdr))
		return 0;
	read_rule(message, &rule);
	bool to_our_table = rule.action == FR_ACT_TO_TBL && rule.table == capture->table;
	if (to_our_table && rule.priority == ROUTES_PRIORITY)
		return 0; /* ours, from before */

	uint32_t shared = rule.mask & capture->mark_mask;
	if (shared && ((rule.mark ^ capture->mark) & shared) == 0)
		find(search->probe, FINDING_WARNING,
		     "Somebody else's routing rule %u (fwmark 0x%x/0x%x) uses bits of our mark "
		     "0x%x/0x%x. Give us others in `capture: mark`, or remove it: %s rule del "
		     "priority %u",
		     rule.priority, rule.mark, rule.mask, capture->mark, capture->mark_mask,
		     search->command, rule.priority);
	else if (to_our_table)
		find(search->probe, FINDING_WARNING,
		     "Somebody else's routing rule %u leads to our routing table %u. Give us "
		     "another in `capture: table`, or remove it: %s rule del priority %u",
		     rule.priority, rule.table, search->command, rule.priority);
	return 0;
}

static void check_rules(struct probe *probe, struct netlink *netlink, const struct capture *capture)
{
	static const struct {
		uint8_t family;
		const char *command;
	} families[] = { { AF_INET, "ip" }, { AF_INET6, "ip -6" } };

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		struct rule_search search = { probe, capture, families[i].command };
		char storage[NETLINK_MESSAGE] __attribute__((aligned(NLMSG_ALIGNTO)));
		struct nlmsghdr *message = mnl_nlmsg_put_header(storage);
		message->nlmsg_type = RTM_GETRULE;
		message->nlmsg_flags = NLM_F_DUMP;
		struct fib_rule_hdr *body = mnl_nlmsg_put_extra_header(message, sizeof(*body));
		body->family = families[i].family;
		/* A kernel without IPv6 has no rules that could collide. */
		netlink_ask(netlink, message, note_rule, &search);
	}
}

static bool has_global_ipv6(const char *port)
{
	char line[PATH_SIZE], name[IF_NAMESIZE];
	unsigned scope;
	bool found = false;
	FILE *file = fopen("/proc/net/if_inet6", "re");

	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "%*s %*x %*x %x %*x %15s", &scope, name) == 2 && scope == 0 &&
			strcmp(name, port) == 0;
	fclose(file);
	return found;
}

static void check_forwarding(struct probe *probe, const struct policy *policy)
{
	if (!setting("/proc/sys/net/ipv4/ip_forward"))
		find(probe, FINDING_WARNING,
		     "net.ipv4.ip_forward is 0: what is not captured goes nowhere, and nothing "
		     "does while headgated is not running. Mend: sysctl -w net.ipv4.ip_forward=1");
	for (size_t i = 0; i < policy->lan_count; i++) {
		if (setting("/proc/sys/net/ipv6/conf/all/forwarding") ||
		    !has_global_ipv6(policy->lan[i]))
			continue;
		find(probe, FINDING_WARNING,
		     "net.ipv6.conf.all.forwarding is 0 although %s has an IPv6 address: what is "
		     "not captured goes nowhere. Mend: sysctl -w net.ipv6.conf.all.forwarding=1",
		     policy->lan[i]);
		break;
	}
}

/* No kernel takes a table about nothing: that would look like a missing module. */
static bool captures_something(struct probe *probe, const struct policy *policy)
{
	if (policy->lan_count == 0)
		find(probe, FINDING_ERROR,
		     "`lan` names no port: no device's traffic can be captured. Say for instance "
		     "`lan: [br-lan]`; ip link shows the names");
	else if (policy->capture.tcp_count == 0)
		find(probe, FINDING_ERROR,
		     "`capture: tcp` names no port: nothing can be captured. Leave it out for 80 "
		     "and 443");
	return probe->count == 0;
}

/* The packet door stands where tproxy does: redirect turns a connection at its first packet. */
static void choose_queue(struct probe *probe, const struct policy *policy)
{
	struct marks marks;

	if (probe->method != CAPTURE_TPROXY)
		return;
	probe->queue = queue_rule_probe();
	if (probe->queue == QUEUE_NOT_AT_ALL)
		find(probe, FINDING_WARNING,
		     "The kernel has no packet queue: connections that are judged by name go through a "
		     "worker, QUIC comes back over TCP. Mend: modprobe -a nfnetlink_queue nft_queue; on "
		     "OpenWrt: opkg install kmod-nft-queue");
	else if (!marks_choose(&marks, policy->capture.mark, policy->capture.mark_mask))
		probe->queue = QUEUE_NOT_AT_ALL;
}

void probe_run(struct probe *probe, const struct policy *policy)
{
	memset(probe, 0, sizeof(*probe));
	if (!captures_something(probe, policy))
		return;
	choose_method(probe, policy);
	choose_queue(probe, policy);
	check_valid_mark(probe, "all");
	check_forwarding(probe, policy);

	struct netlink *netlink = netlink_open(NETLINK_ROUTE);
	if (!netlink) {
		find(probe, FINDING_ERROR, "Cannot ask the kernel about ports and routes: %s",
		     strerror(errno));
		return;
	}
	check_ports(probe, netlink, policy);
	check_rules(probe, netlink, &policy->capture);
	netlink_close(netlink);
}

bool probe_failed(const struct probe *probe)
{
	for (size_t i = 0; i < probe->count; i++)
		if (probe->findings[i].severity == FINDING_ERROR)
			return true;
	return false;
}
