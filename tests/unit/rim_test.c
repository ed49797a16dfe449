// link: tests/network/namespaces.c netfilter/ruleset.c netfilter/marks.c daemon/policy/port.c netfilter/table.c netfilter/rewriting.c netfilter/inventory.c netfilter/generation.c netfilter/netlink.c netfilter/routes.c netfilter/watch.c netfilter/local.c netfilter/neighbours.c netfilter/probe.c netfilter/queue_rule.c netfilter/socket.c daemon/address.c daemon/clock.c daemon/log.c daemon/text.c -lmnl -lnftables
/* What the gateway knows of the machine under it: routes, addresses, neighbours, the fate of its
 * table, and the self-check, on a real kernel. */
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/log.h"
#include "netfilter/local.h"
#include "netfilter/neighbours.h"
#include "netfilter/probe.h"
#include "netfilter/routes.h"
#include "netfilter/rewriting.h"
#include "netfilter/ruleset.h"
#include "netfilter/socket.h"
#include "netfilter/table.h"
#include "netfilter/watch.h"
#include "tests/network/namespaces.h"

static bool drawn;

static int begin(void **state)
{
	(void)state;
	if (drawn)
		network_enter(GATEWAY);
	return 0;
}

static struct policy home(void)
{
	return (struct policy){ .lan_count = 1,
				.lan = { "lan0" },
				.capture = { .tcp_count = 1,
					     .tcp = { { 443, 443 } },
					     .method = CAPTURE_AUTO,
					     .mark = 0x01000000,
					     .mark_mask = 0x07000000,
					     .table = 7700 },
				.source = SOURCE_KEEP,
				.when_down = WHEN_DOWN_OPEN };
}

static char *output_of(const char *command)
{
	static char texts[2][4096];
	static int turn;
	char *text = texts[turn ^= 1];
	FILE *pipe = popen(command, "re");

	assert_non_null(pipe);
	text[fread(text, 1, sizeof(texts[0]) - 1, pipe)] = 0;
	pclose(pipe);
	return text;
}

static bool is_readable(int descriptor)
{
	struct pollfd waiting = { .fd = descriptor, .events = POLLIN };

	return poll(&waiting, 1, 500) == 1;
}

/* ---- routes ---- */

#define ALL_ROUTES                                                                                 \
	"ip rule; ip -6 rule; ip route show table all type local default; "                        \
	"ip -6 route show table all type local default; "                                          \
	"ip route show table 7700 2>/dev/null; ip -6 route show table 7700 2>/dev/null"

static void routes_leave_nothing(void **state)
{
	const struct policy policy = home();
	char before[4096];

	(void)state;
	if (!drawn)
		skip();
	strcpy(before, output_of(ALL_ROUTES));
	assert_int_equal(routes_add(&policy.capture), 0);
	char *once = output_of(ALL_ROUTES);
	assert_non_null(strstr(once, "90:\tfrom all fwmark 0x1000000/0x7000000 lookup 7700"));
	assert_non_null(strstr(once, "local default dev lo table 7700"));
	assert_int_equal(routes_add(&policy.capture), 0);
	assert_string_equal(output_of(ALL_ROUTES), once); /* again changes nothing */
	assert_int_equal(routes_remove(&policy.capture), 0);
	assert_string_equal(output_of(ALL_ROUTES), before);
	assert_int_equal(routes_remove(&policy.capture), 0);
}

static void routes_do_without_ipv6(void **state)
{
	const struct policy policy = home();

	(void)state;
	if (!drawn)
		skip();
	network_run(GATEWAY, "sysctl -q -w net.ipv6.conf.lo.disable_ipv6=1");
	assert_int_equal(routes_add(&policy.capture), 0);
	assert_non_null(strstr(output_of("ip rule"), "lookup 7700"));
	assert_int_equal(routes_remove(&policy.capture), 0);
	network_run(GATEWAY, "sysctl -q -w net.ipv6.conf.lo.disable_ipv6=0");
	assert_null(strstr(output_of(ALL_ROUTES), "lookup 7700"));
}

static void routes_name_their_trouble(void **state)
{
	const struct policy policy = home();

	(void)state;
	if (!drawn)
		skip();
	network_run(GATEWAY, "ip link set lo down");
	assert_int_equal(routes_add(&policy.capture), -1);
	assert_int_equal(errno, ENETDOWN);
	assert_int_equal(routes_remove(&policy.capture), 0);
	network_run(GATEWAY, "ip link set lo up");
}

/* ---- the table's fate ---- */

static char *our_table(void)
{
	struct ruleset ruleset;
	const struct policy policy = home();

	ruleset_from_policy(&ruleset, &policy, CAPTURE_TPROXY);
	ruleset.lan[0].listener = 15001;
	char *rules = ruleset_print(&ruleset);
	assert_non_null(rules);
	return rules;
}

static void watch_sees_what_others_do(void **state)
{
	static const char *const attacks[] = {
		"nft delete table inet headgate",
		"nft flush ruleset",
		"nft flush table inet headgate",
	};
	char message[TABLE_MESSAGE];

	(void)state;
	if (!drawn)
		skip();
	char *rules = our_table();
	struct watch *watch = watch_open();
	assert_non_null(watch);
	assert_int_equal(watch_read(watch), WATCH_QUIET);
	for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		assert_int_equal(table_load(rules, message), 0);
		assert_int_equal(rewriting_put(rules, NULL, message), 0); /* empties and adds at once */
		assert_true(is_readable(watch_descriptor(watch)));
		assert_int_equal(watch_read(watch), WATCH_QUIET);
		network_run(GATEWAY, "nft 'add table inet other; delete table inet other; "
				     "add table ip headgate; delete table ip headgate'");
		assert_int_equal(watch_read(watch), WATCH_QUIET);
		network_run(GATEWAY, "%s", attacks[i]);
		assert_true(is_readable(watch_descriptor(watch)));
		assert_int_equal(watch_read(watch), WATCH_TABLE_GONE);
		assert_int_equal(watch_read(watch), WATCH_QUIET); /* said once */
	}
	watch_close(watch);
	free(rules);
	assert_int_equal(table_remove(), 0);
}

/* More news than the socket holds: the kernel drops some, and says so. */
static void watch_survives_a_flood(void **state)
{
	char message[TABLE_MESSAGE];
	const int small = 1;

	(void)state;
	if (!drawn)
		skip();
	char *rules = our_table();
	struct watch *watch = watch_open();
	assert_non_null(watch);
	setsockopt(watch_descriptor(watch), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	assert_int_equal(table_load(rules, message), 0);
	network_run(
		GATEWAY,
		"for i in 1 2 3 4 5 6 7 8 9; do nft \"add table inet t$i; add chain inet t$i c\";"
		" done; nft delete table inet headgate; nft flush ruleset");
	assert_int_equal(watch_read(watch), WATCH_TABLE_GONE);
	watch_close(watch);
	free(rules);
}

/* ---- addresses ---- */

static bool is_local(const struct local_addresses *addresses, const char *text)
{
	struct address address;

	assert_int_equal(address_parse(&address, text), 0);
	address.port = 443; /* not looked at */
	return local_addresses_contain(addresses, &address);
}

static void addresses_follow(void **state)
{
	static const char *const always[] = { "127.0.0.1",    "127.200.3.4",  "::1",
					      "0.0.0.0",      "::",	      "192.0.2.1",
					      "198.51.100.1", "2001:db8:1::1" };
	static const char *const never[] = { "192.0.2.10", "198.51.100.2", "2001:db8:2::2",
					     "126.0.0.1" };

	(void)state;
	if (!drawn)
		skip();
	struct local_addresses *addresses = local_addresses_open();
	assert_non_null(addresses);
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		assert_true(is_local(addresses, always[i]));
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		assert_false(is_local(addresses, never[i]));

	network_run(
		GATEWAY,
		"ip address add 203.0.113.7/32 dev wan0 && ip address add 203.0.113.7/32 dev lo && "
		"ip address add 203.0.113.9 peer 203.0.113.8 dev wan0 && "
		"ip address add 2001:db8:9::7/128 dev wan0 nodad");
	assert_true(is_readable(local_addresses_descriptor(addresses)));
	assert_int_equal(local_addresses_update(addresses), 0);
	assert_true(is_local(addresses, "203.0.113.7"));
	assert_true(is_local(addresses, "203.0.113.9"));
	assert_false(
		is_local(addresses, "203.0.113.8")); /* the other end of a point-to-point link */
	assert_true(is_local(addresses, "2001:db8:9::7"));

	network_run(GATEWAY, "ip address del 203.0.113.7/32 dev wan0 && "
			     "ip address del 203.0.113.9 peer 203.0.113.8 dev wan0 && "
			     "ip address del 2001:db8:9::7/128 dev wan0");
	assert_true(is_readable(local_addresses_descriptor(addresses)));
	assert_int_equal(local_addresses_update(addresses), 0);
	assert_true(is_local(addresses, "203.0.113.7")); /* still on lo */
	assert_false(is_local(addresses, "203.0.113.9"));
	assert_false(is_local(addresses, "2001:db8:9::7"));
	network_run(GATEWAY, "ip address del 203.0.113.7/32 dev lo");
	assert_int_equal(local_addresses_update(addresses), 0);
	assert_false(is_local(addresses, "203.0.113.7"));
	assert_int_equal(local_addresses_update(addresses), 0); /* nothing waits: still fine */
	local_addresses_close(addresses);
}

/* Messages are lost and there are more addresses than we hold: no crash, and the first ones count.
 */
static void addresses_are_bounded(void **state)
{
	const int small = 1;

	(void)state;
	if (!drawn)
		skip();
	struct local_addresses *addresses = local_addresses_open();
	assert_non_null(addresses);
	setsockopt(local_addresses_descriptor(addresses), SOL_SOCKET, SO_RCVBUF, &small,
		   sizeof(small));
	network_run(
		GATEWAY,
		"for i in $(seq 0 1100); do "
		"echo address add 10.9.$((i / 256)).$((i %% 256))/32 dev wan0; done | ip -batch -");
	log_set_level(LOG_LEVEL_ERROR);
	assert_int_equal(local_addresses_update(addresses), 0);
	assert_true(is_local(addresses, "192.0.2.1"));
	assert_true(is_local(addresses, "10.9.1.1"));
	network_run(GATEWAY, "ip address flush dev wan0 to 10.9.0.0/16");
	assert_int_equal(local_addresses_update(addresses), 0);
	assert_false(is_local(addresses, "10.9.1.1"));
	assert_true(is_local(addresses, "192.0.2.1"));
	local_addresses_close(addresses);
}

/* ---- neighbours ---- */

static bool is_neighbour(struct neighbours *neighbours, const char *port, const char *text,
			 const char *expected)
{
	uint8_t mac[MAC_SIZE];
	struct address address;
	char printed[18];

	assert_int_equal(address_parse(&address, text), 0);
	if (!neighbours_find(neighbours, if_nametoindex(port), &address, mac))
		return false;
	snprintf(printed, sizeof(printed), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	assert_string_equal(printed, expected);
	return true;
}

static void neighbours_have_addresses(void **state)
{
	(void)state;
	if (!drawn)
		skip();
	struct neighbours *neighbours = neighbours_open();
	assert_non_null(neighbours);
	int listener = network_listen(GATEWAY, "192.0.2.1:8080");
	int listener6 = network_listen(GATEWAY, "[2001:db8:1::1]:8080");
	int device = network_connect(DEVICE, "192.0.2.1:8080"); /* makes them known to each other */
	int device6 = network_connect(DEVICE, "[2001:db8:1::1]:8080");
	assert_true(device >= 0 && device6 >= 0);
	assert_true(is_neighbour(neighbours, "lan0", "192.0.2.10", "02:00:00:00:00:10"));
	assert_true(is_neighbour(neighbours, "lan0", "2001:db8:1::10", "02:00:00:00:00:10"));
	assert_false(is_neighbour(neighbours, "lan0", "192.0.2.77", ""));
	assert_false(is_neighbour(neighbours, "wan0", "192.0.2.10",
				  "")); /* another port, another answer */
	assert_false(is_neighbour(neighbours, "lo", "127.0.0.1", ""));

	/* The cache answers, not the kernel; a new one asks again. */
	network_run(GATEWAY, "ip neigh replace 192.0.2.10 lladdr 02:00:00:00:00:99 dev lan0");
	assert_true(is_neighbour(neighbours, "lan0", "192.0.2.10", "02:00:00:00:00:10"));
	neighbours_close(neighbours);
	neighbours = neighbours_open();
	assert_true(is_neighbour(neighbours, "lan0", "192.0.2.10", "02:00:00:00:00:99"));
	neighbours_close(neighbours);
	network_run(GATEWAY, "ip neigh del 192.0.2.10 dev lan0");
	close(device);
	close(device6);
	close(listener);
	close(listener6);
}

/* An address that nobody answers for has an entry without use. */
static void failed_neighbours_are_unknown(void **state)
{
	(void)state;
	if (!drawn)
		skip();
	struct neighbours *neighbours = neighbours_open();
	network_run(GATEWAY,
		    "ip neigh add 192.0.2.66 lladdr 02:00:00:00:00:66 nud failed dev lan0");
	assert_false(is_neighbour(neighbours, "lan0", "192.0.2.66", ""));
	network_run(GATEWAY, "ip neigh del 192.0.2.66 dev lan0");
	neighbours_close(neighbours);
}

/* ---- the self-check ---- */

static bool says(const struct probe *probe, enum finding_severity severity, const char *words)
{
	for (size_t i = 0; i < probe->count; i++)
		if (probe->findings[i].severity == severity &&
		    strstr(probe->findings[i].message, words))
			return true;
	for (size_t i = 0; i < probe->count; i++)
		print_message("# %s\n", probe->findings[i].message);
	return false;
}

static void sound_machine_has_no_findings(void **state)
{
	const struct policy policy = home();
	struct probe probe;

	(void)state;
	if (!drawn)
		skip();
	char before[4096];
	strcpy(before, output_of("nft list ruleset; " ALL_ROUTES));
	probe_run(&probe, &policy);
	for (size_t i = 0; i < probe.count; i++)
		fail_msg("%s", probe.findings[i].message);
	assert_int_equal(probe.method, CAPTURE_TPROXY);
	assert_false(probe_failed(&probe));
	assert_string_equal(output_of("nft list ruleset; " ALL_ROUTES), before);

	/* Nor when we were here already. */
	assert_int_equal(routes_add(&policy.capture), 0);
	probe_run(&probe, &policy);
	assert_int_equal(probe.count, 0);
	assert_int_equal(routes_remove(&policy.capture), 0);
}

static bool device_reaches_listener(int listener)
{
	int device = network_connect(DEVICE, "198.51.100.2:443");
	struct pollfd waiting = { .fd = listener, .events = POLLIN };

	if (device >= 0 && poll(&waiting, 1, 1000) == 1)
		close(accept(listener, NULL, NULL));
	if (device >= 0)
		close(device);
	return device >= 0;
}

/* The finding is an error because nothing works; and that is so. */
static void valid_mark_is_fatal(void **state)
{
	const struct policy policy = home();
	char message[TABLE_MESSAGE];
	struct probe probe;

	(void)state;
	if (!drawn)
		skip();
	char *rules = our_table();
	int listener = socket_listen_transparent(15001);
	assert_true(listener >= 0);
	assert_int_equal(table_load(rules, message), 0);
	assert_int_equal(routes_add(&policy.capture), 0);
	assert_true(device_reaches_listener(listener)); /* with rp_filter = 1 */
	for (int strictness = 0; strictness <= 1; strictness++) {
		network_run(GATEWAY,
			    "sysctl -q -w net.ipv4.conf.all.rp_filter=%d "
			    "net.ipv4.conf.lan0.rp_filter=%d net.ipv4.conf.all.src_valid_mark=1",
			    strictness, strictness);
		probe_run(&probe, &policy);
		assert_true(says(&probe, FINDING_ERROR,
				 "sysctl -w net.ipv4.conf.all.src_valid_mark=0"));
		assert_true(probe_failed(&probe));
		assert_false(device_reaches_listener(listener));
		network_run(GATEWAY, "sysctl -q -w net.ipv4.conf.all.src_valid_mark=0");
		assert_true(device_reaches_listener(listener));
	}
	network_run(GATEWAY, "sysctl -q -w net.ipv4.conf.lan0.src_valid_mark=1");
	probe_run(&probe, &policy);
	assert_true(says(&probe, FINDING_ERROR, "sysctl -w net.ipv4.conf.lan0.src_valid_mark=0"));
	network_run(
		GATEWAY,
		"sysctl -q -w net.ipv4.conf.lan0.src_valid_mark=0 net.ipv4.conf.all.rp_filter=1");
	close(listener);
	free(rules);
	assert_int_equal(routes_remove(&policy.capture) | table_remove(), 0);
}

static void troubles_are_named(void **state)
{
	static const struct {
		const char *make, *mend;
		enum finding_severity severity;
		const char *words;
	} troubles[] = {
		{ "sysctl -q -w net.ipv4.ip_forward=0", "sysctl -q -w net.ipv4.ip_forward=1",
		  FINDING_WARNING, "sysctl -w net.ipv4.ip_forward=1" },
		{ "sysctl -q -w net.ipv6.conf.all.forwarding=0",
		  "sysctl -q -w net.ipv6.conf.all.forwarding=1", FINDING_WARNING,
		  "sysctl -w net.ipv6.conf.all.forwarding=1" },
		{ "ip link set lo down", "ip link set lo up", FINDING_ERROR, "ip link set lo up" },
		{ "ip rule add fwmark 0x1000000/0xff000000 lookup 99 pref 77",
		  "ip rule del pref 77", FINDING_WARNING, "ip rule del priority 77" },
		{ "ip -6 rule add fwmark 0x3000000/0x1000000 lookup 99 pref 78",
		  "ip -6 rule del pref 78", FINDING_WARNING, "ip -6 rule del priority 78" },
		{ "ip rule add from 192.0.2.5 lookup 7700 pref 79", "ip rule del pref 79",
		  FINDING_WARNING, "our routing table 7700" },
		{ "ip link add bridge0 type bridge && ip link set lan0 master bridge0",
		  "ip link del bridge0", FINDING_WARNING, "Say `lan: bridge0`" },
		{ "ip link set lan0 name lan7", "ip link set lan7 name lan0", FINDING_WARNING,
		  "`lan: lan0`: there is no such port" },
	};
	const struct policy policy = home();
	struct probe probe;

	(void)state;
	if (!drawn)
		skip();
	for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++) {
		network_run(GATEWAY, "%s", troubles[i].make);
		probe_run(&probe, &policy);
		network_run(GATEWAY, "%s", troubles[i].mend);
		assert_true(says(&probe, troubles[i].severity, troubles[i].words));
		assert_int_equal(probe.count, 1);
		assert_int_equal(probe_failed(&probe), troubles[i].severity == FINDING_ERROR);
	}
	/* Marks of the well-known others are no trouble: mwan3, pbr, zapret, a full-mask mark. */
	network_run(GATEWAY, "ip rule add fwmark 0x100/0x3f00 lookup 1 pref 2001 && "
			     "ip rule add fwmark 0x10000/0xff0000 lookup 2 pref 30000 && "
			     "ip rule add fwmark 0x40000000/0x40000000 lookup 3 pref 30001 && "
			     "ip rule add fwmark 0xca6c lookup 4 pref 30002");
	probe_run(&probe, &policy);
	network_run(GATEWAY,
		    "ip rule del pref 2001; ip rule del pref 30000; ip rule del pref 30001; "
		    "ip rule del pref 30002");
	assert_int_equal(probe.count, 0);
}

static void bridge_hooks_are_named(void **state)
{
	struct policy policy = home();
	struct probe probe;

	(void)state;
	if (!drawn || access("/proc/sys/net/bridge/bridge-nf-call-iptables", F_OK))
		skip();
	network_run(GATEWAY,
		    "ip link add bridge0 type bridge && sysctl -q -w "
		    "net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=0");
	strcpy(policy.lan[0], "bridge0");
	probe_run(&probe, &policy);
	network_run(GATEWAY, "ip link del bridge0");
	assert_true(
		says(&probe, FINDING_WARNING, "sysctl -w net.bridge.bridge-nf-call-iptables=0"));
	assert_int_equal(probe.count, 1);
}

static void redirect_says_what_it_cannot(void **state)
{
	struct policy policy = home();
	struct probe probe;

	(void)state;
	if (!drawn)
		skip();
	policy.capture.method = CAPTURE_REDIRECT;
	probe_run(&probe, &policy);
	assert_int_equal(probe.method, CAPTURE_REDIRECT);
	assert_true(says(&probe, FINDING_WARNING, "`when-down: open` needs tproxy"));
	assert_true(says(&probe, FINDING_WARNING, "`source: keep` needs tproxy"));
	assert_int_equal(probe.count, 2);
	policy.when_down = WHEN_DOWN_CLOSED;
	policy.source = SOURCE_OWN;
	probe_run(&probe, &policy);
	assert_int_equal(probe.count, 0);
}

/* Not the kernel is at fault then, and no module is missing. */
static void a_policy_that_captures_nothing_is_named(void **state)
{
	struct policy policy = home();
	struct probe probe;

	(void)state;
	policy.capture.tcp_count = 0;
	probe_run(&probe, &policy);
	assert_true(says(&probe, FINDING_ERROR, "`capture: tcp` names no port"));
	assert_int_equal(probe.count, 1);
	policy = home();
	policy.lan_count = 0;
	probe_run(&probe, &policy);
	assert_true(says(&probe, FINDING_ERROR, "`lan` names no port"));
	assert_int_equal(probe.count, 1);
}

#define in_network(test) cmocka_unit_test_setup(test, begin)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		in_network(routes_leave_nothing),
		in_network(routes_do_without_ipv6),
		in_network(routes_name_their_trouble),
		in_network(watch_sees_what_others_do),
		in_network(watch_survives_a_flood),
		in_network(addresses_follow),
		in_network(addresses_are_bounded),
		in_network(neighbours_have_addresses),
		in_network(failed_neighbours_are_unknown),
		in_network(sound_machine_has_no_findings),
		in_network(valid_mark_is_fatal),
		in_network(troubles_are_named),
		in_network(bridge_hooks_are_named),
		in_network(redirect_says_what_it_cannot),
		cmocka_unit_test(a_policy_that_captures_nothing_is_named),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	drawn = network_draw() == 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
