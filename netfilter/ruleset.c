#include "netfilter/ruleset.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/text.h"
#include "netfilter/queue.h"
#include "netfilter/table.h"

/* Room for every port name, the ranges as often as they are asked, and all the prose. */
enum { RULESET_TEXT = 16384, DNS_PORT = 53 };

void ruleset_from_policy(struct ruleset *ruleset, const struct policy *policy,
			 enum capture_method method)
{
	const struct capture *capture = &policy->capture;

	memset(ruleset, 0, sizeof(*ruleset));
	ruleset->method = method;
	ruleset->when_down = policy->when_down;
	ruleset->keeps_source = policy->source == SOURCE_KEEP;
	ruleset->mark = capture->mark;
	ruleset->mark_mask = capture->mark_mask;
	ruleset->lan_count = policy->lan_count;
	for (size_t i = 0; i < policy->lan_count; i++)
		memcpy(ruleset->lan[i].name, policy->lan[i], PORT_NAME);
	ruleset->tcp_count = capture->tcp_count;
	memcpy(ruleset->tcp, capture->tcp, sizeof(ruleset->tcp));
	ruleset->udp_count = capture->udp_count;
	memcpy(ruleset->udp, capture->udp, sizeof(ruleset->udp));
}

/* Of a connection (ct mark) that the rules have let go on in the kernel: its packets are not judged again. Never 0,
 * never the mark of captured packets. */
static uint32_t forward_mark(const struct ruleset *ruleset)
{
	struct marks marks;

	marks_choose(&marks, ruleset->mark, ruleset->mark_mask);
	return marks.forward;
}

/* An interface name goes between quotes, where nft gives these characters a meaning of their own.
 */
static bool name_is_plain(const char name[static PORT_NAME])
{
	if (!name[0] || !memchr(name, 0, PORT_NAME))
		return false;
	for (; *name; name++)
		if (!isgraph((unsigned char)*name) || strchr("\"\\*", *name))
			return false;
	return true;
}

static bool lan_makes_sense(const struct ruleset *ruleset)
{
	if (ruleset->lan_count < 1 || ruleset->lan_count > LAN_PORTS_MAX)
		return false;
	for (size_t i = 0; i < ruleset->lan_count; i++)
		if (!name_is_plain(ruleset->lan[i].name) || ruleset->lan[i].listener == 0)
			return false;
	return true;
}

static bool makes_sense(const struct ruleset *ruleset)
{
	return lan_makes_sense(ruleset) &&
	       (ruleset->method == CAPTURE_TPROXY || ruleset->method == CAPTURE_REDIRECT) &&
	       ruleset->tcp_count >= 1 && ruleset->tcp_count <= PORT_RANGES_MAX &&
	       ruleset->udp_count <= PORT_RANGES_MAX && ruleset->mark != 0 &&
	       (ruleset->mark & ~ruleset->mark_mask) == 0 && forward_mark(ruleset) != 0;
}

/* "tcp dport { 80, 443 } " */
static void add_ports(struct text *text, const char *selector, const struct port_range *ranges,
		      size_t count)
{
	text_addf(text, "%s {", selector);
	for (size_t i = 0; i < count; i++) {
		text_add(text, i ? ", " : " ");
		port_range_print(&ranges[i], text);
	}
	text_add(text, " } ");
}

static void add_tcp_ports(struct text *text, const struct ruleset *ruleset, const char *selector)
{
	add_ports(text, selector, ruleset->tcp, ruleset->tcp_count);
}

static void add_listeners(struct text *text, const struct ruleset *ruleset)
{
	text_add(text, "tcp dport {");
	for (size_t i = 0; i < ruleset->lan_count; i++)
		text_addf(text, "%s %u", i ? "," : "", ruleset->lan[i].listener);
	text_add(text, " } ");
}

bool ruleset_queue_rule(const struct ruleset *ruleset, struct queue_rule *rule)
{
	struct marks marks;

	if (!ruleset->rules || ruleset->queue != QUEUE_TARGET || !ruleset->queues ||
	    !marks_choose(&marks, ruleset->mark, ruleset->mark_mask))
		return false;
	*rule = (struct queue_rule){ marks.watching, marks.mask, ruleset->queues };
	return true;
}

static void add_head(struct text *text, const struct ruleset *ruleset)
{
	text_add(text, "table inet " TABLE_NAME " {\n"
		       "\tcomment \"Headgate captures connections of the LAN here. Made by headgated; "
		       "ask headgatectl, do not edit.\"\n\n");
	if (ruleset->rules)
		text_add(text, ruleset->objects);
}

/* Changes our bits of the mark and leaves those of others alone. */
static void add_mark(struct text *text, const struct ruleset *ruleset)
{
	text_addf(text, "meta mark set meta mark & 0x%08x | 0x%08x", ~ruleset->mark_mask,
		  ruleset->mark);
}

static void add_ours(struct text *text, const struct ruleset *ruleset)
{
	text_add(text,
		 "\t# A packet for a transparent socket. Listeners are on the wildcard address: "
		 "not\n"
		 "\t# theirs, ours or anybody's. What is left belongs to a connection of ours.\n"
		 "\tchain ours {\n"
		 "\t\tsocket wildcard 1 return\n"
		 "\t\t");
	add_mark(text, ruleset);
	text_add(text, " accept\n"
		       "\t}\n\n");
}

static void add_strays(struct text *text, const struct ruleset *ruleset)
{
	text_add(text, "\tchain strays {\n\t\t");
	add_tcp_ports(text, ruleset, "tcp dport");
	text_add(text, "reject with tcp reset\n\t\t");
	add_tcp_ports(text, ruleset, "tcp sport");
	text_add(text, "limit rate 100/second burst 100 packets reject with tcp reset\n\t\t");
	add_tcp_ports(text, ruleset, "tcp sport");
	text_add(text, "drop\n\t}\n\n");
}

static bool watches(const struct ruleset *ruleset)
{
	return ruleset->rules && ruleset->queue != QUEUE_NOT_AT_ALL && ruleset->queues;
}

/* Questions of DNS visit the packet door. */
static bool watches_dns(const struct ruleset *ruleset)
{
	if (!watches(ruleset))
		return false;
	for (size_t i = 0; i < ruleset->udp_count; i++)
		if (ruleset->udp[i].first <= DNS_PORT && DNS_PORT <= ruleset->udp[i].last)
			return true;
	return false;
}

/* Which traffic the plan is about, for a chain that sees everything. */
static void add_scope(struct text *text, const struct ruleset *ruleset)
{
	const char *others = ruleset->guards ? "goto outside" : "return";

	if (ruleset->rules)
		text_add(text,
			 "\t\t# The middle of a connection that conntrack does not know: it was cut, or "
			 "forgotten.\n"
			 "\t\ttcp flags & (syn | rst) == 0 ct state new jump strays\n\n");

	text_add(text, "\t\t# Only devices behind the LAN ports, only what they send elsewhere,\n"
		       "\t\t# only connections that they began.\n"
		       "\t\tiifname != {");
	for (size_t i = 0; i < ruleset->lan_count; i++)
		text_addf(text, "%s \"%s\"", i ? "," : "", ruleset->lan[i].name);
	text_addf(text, " } %s\n", others);
	if (watches_dns(ruleset))
		text_addf(text, "\t\tudp dport %d fib daddr type local goto rules\n", DNS_PORT);
	text_add(text, "\t\tfib daddr type { local, broadcast, anycast, multicast } return\n"
		       "\t\tct direction reply return\n");
}

static void add_when_down(struct text *text, enum when_down when_down)
{
	if (when_down == WHEN_DOWN_CLOSED)
		text_add(text,
			 "\n\t\t# when-down: closed. Without a listener tproxy leaves its rule; "
			 "refuse at once.\n"
			 "\t\tmeta l4proto tcp reject with tcp reset\n");
	else
		text_add(text,
			 "\n\t\t# when-down: open. Without a listener tproxy leaves its rule; "
			 "the packet is routed as if\n"
			 "\t\t# we were not here.\n");
}

static void begin_plan(struct text *text)
{
	text_add(text, "\tchain plan {\n"
		       "\t\ttype filter hook prerouting priority mangle - 2; policy accept;\n\n");
}

/* "iifname { "br-lan", "br-guest" }", or not those. */
static void add_lan(struct text *text, const struct ruleset *ruleset, const char *operator)
{
	text_addf(text, "%s {", operator);
	for (size_t i = 0; i < ruleset->lan_count; i++)
		text_addf(text, "%s \"%s\"", i ? "," : "", ruleset->lan[i].name);
	text_add(text, " } ");
}

/* Answers to datagrams that a worker sent with a client's address. On the LAN ports a socket that answers in a
 * server's name would be found, too. */
static void add_own_datagrams(struct text *text, const struct ruleset *ruleset)
{
	if (!ruleset->carries || !ruleset->keeps_source)
		return;
	text_add(text, "\t\t");
	add_lan(text, ruleset, "iifname !=");
	text_add(text, "meta l4proto udp socket transparent 1 jump ours\n");
}

/* A device may use the ports anew that a connection of ours has left, or a worker those of the device: what has
 * begun as the kernel's is not taken by a socket that waits out its time. Packets that conntrack makes nothing of
 * have no mark to ask, and not even one of 0. */
static void add_own_packets(struct text *text, const struct ruleset *ruleset)
{
	text_addf(text,
		  "\t\t# Our own connections, on any port, in both directions. A SYN begins "
		  "something\n"
		  "\t\t# new, also when it meets a socket in TIME_WAIT; what the kernel carries is "
		  "marked.\n"
		  "\t\ttcp flags & (syn | ack) != syn ct mark & 0x%08x == 0 socket transparent 1 jump ours\n"
		  "\t\ttcp flags & (syn | ack) != syn ct state invalid,untracked socket transparent 1 jump ours\n",
		  ruleset->mark_mask);
}

/* A SYN that comes again after a reload may have been the kernel's before. */
static void add_taking(struct text *text, const struct ruleset *ruleset)
{
	text_addf(text,
		  "\t\ttcp flags & (syn | ack) == syn ct mark & 0x%08x != 0 ct mark set ct mark & 0x%08x\n",
		  ruleset->mark_mask, ~ruleset->mark_mask);
}

/* Our reset of a server may get lost, and the server's next packet is then the device's, which knows of
 * nothing and resets. A listener would swallow that, and the server wait for many minutes. */
static void add_stray_resets(struct text *text)
{
	text_add(text, "\n\t\t# A reset that no socket of ours takes is for the server, "
		       "which ours did not reach.\n"
		       "\t\ttcp flags & rst == rst accept\n");
}

/* What is captured goes to `next`, except what the rules have seen before. */
static void add_captured(struct text *text, const struct ruleset *ruleset)
{
	if (!ruleset->rules) {
		text_add(text, "\n\t\t");
		add_tcp_ports(text, ruleset, "tcp dport");
		text_add(text, "goto proxy\n\t}\n\n");
		return;
	}
	text_add(text, "\n\t\t# What the rules have let go on stays with the kernel, until a SYN "
		       "begins something new.\n");
	for (unsigned i = 0; i < 2; i++)
		text_addf(text, "\t\tct mark & 0x%08x == 0x%08x %s accept\n", ruleset->mark_mask,
			  forward_mark(ruleset),
			  i ? "meta l4proto udp" : "tcp flags & (syn | ack) != syn");
	text_add(text, "\n\t\t");
	add_tcp_ports(text, ruleset, "tcp dport");
	text_add(text, "goto rules\n");
	if (ruleset->udp_count) {
		text_add(text, "\t\t");
		add_ports(text, "udp dport", ruleset->udp, ruleset->udp_count);
		text_add(text, "goto rules\n");
	}
	text_add(text, ruleset->guards ? "\t\tgoto guard\n\t}\n\n" : "\t}\n\n");
}

static void add_rules(struct text *text, const struct ruleset *ruleset)
{
	if (!ruleset->rules)
		return;
	text_add(text, ruleset->rules);
	text_addf(text,
		  "\tchain forward {\n"
		  "\t\tct mark set ct mark & 0x%08x | 0x%08x accept\n"
		  "\t}\n\n"
		  "\tchain refuse {\n"
		  "\t\tmeta l4proto tcp reject with tcp reset\n"
		  "\t\treject\n"
		  "\t}\n\n",
		  ~ruleset->mark_mask, forward_mark(ruleset));
}

static void add_mark_value(struct text *text, const struct ruleset *ruleset, uint32_t value)
{
	text_addf(text, "meta mark set meta mark & 0x%08x | 0x%08x", ~ruleset->mark_mask, value);
}

enum { DOFF_LEAST = 5, DOFF_MOST = 15 }; /* words of a TCP header */

/* Segments without a payload say nothing: their lengths give them away. One set of both lengths would
 * be shorter, but nft 1.0 aborts when it has to print it. */
static void add_silent(struct text *text)
{
	for (unsigned words = DOFF_LEAST; words <= DOFF_MOST; words++)
		text_addf(text,
			  "\tchain silent_%u {\n"
			  "\t\tip hdrlength 5 ip length %u accept\n"
			  "\t\tip6 nexthdr tcp ip6 length %u accept\n"
			  "\t}\n\n",
			  4 * words, 20 + 4 * words, 4 * words);
}

static void add_silent_jump(struct text *text, bool openings_visit)
{
	text_addf(text, "\t\t%stcp doff vmap {", openings_visit ? "tcp flags & syn != syn " : "");
	for (unsigned words = DOFF_LEAST; words <= DOFF_MOST; words++)
		text_addf(text, "%s%u : jump silent_%u", words > DOFF_LEAST ? ", " : " ", words,
			  4 * words);
	text_add(text, " }\n");
}

static void add_queue(struct text *text, const struct ruleset *ruleset, const struct marks *marks)
{
	if (ruleset->queue == QUEUE_TARGET) {
		text_add(text, "\t\tgoto " QUEUE_CHAIN "\n");
		return;
	}
	text_add(text, "\t\t");
	add_mark_value(text, ruleset, marks->watching);
	text_addf(text, " queue flags bypass to %d", QUEUE_NUMBER);
	if (ruleset->queues > 1)
		text_addf(text, "-%u", QUEUE_NUMBER + ruleset->queues - 1);
	text_add(text, "\n");
}

static void add_queue_chain(struct text *text, const struct ruleset *ruleset)
{
	if (ruleset->queue == QUEUE_TARGET)
		text_add(text, "\t# Marks a packet and queues it; no text can say it.\n"
			       "\tchain " QUEUE_CHAIN " {\n"
			       "\t}\n\n");
}

/* What conntrack calls invalid (a wrong checksum, out of the window) a server would not take either. */
static void add_watch(struct text *text, const struct ruleset *ruleset, const struct marks *marks)
{
	add_queue_chain(text, ruleset);
	text_add(text, "\t# Segments of TCP that say nothing.\n");
	add_silent(text);
	text_add(text, "\t# To the packet door: the first packets of a connection that say something, "
		       "until it is\n"
		       "\t# known by name.\n"
		       "\tchain watch {\n"
		       "\t\tct state invalid drop\n");
	text_addf(text, "\t\ttcp flags & (syn | ack) == syn ct mark set ct mark & 0x%08x | 0x%08x\n",
		  ~marks->mask, marks->watching);
	add_silent_jump(text, ruleset->openings_visit);
	text_add(text, "\t\ttcp flags & rst == rst accept\n");
	add_queue(text, ruleset, marks);
	text_add(text, "\t}\n\n");
}

/* Behind the packet door. What nobody looked at carries the mark with which it was sent there. */
static void add_watched(struct text *text, const struct ruleset *ruleset,
			const struct marks *marks)
{
	text_add(text, "\t# What the packet door said, by mark.\n"
		       "\tchain watched {\n"
		       "\t\ttype filter hook prerouting priority mangle; policy accept;\n\n");
	text_addf(text, "\t\tmeta mark & 0x%08x == { 0x%08x, 0x%08x } accept\n", marks->mask, 0,
		  marks->captured);
	text_addf(text, "\t\tmeta mark & 0x%08x == 0x%08x goto watched_forward\n", marks->mask,
		  marks->forward);
	text_addf(text, "\t\tmeta mark & 0x%08x == 0x%08x goto watched_refuse\n", marks->mask,
		  marks->refused);
	if (ruleset->when_down == WHEN_DOWN_CLOSED)
		text_addf(text,
			  "\t\t# when-down: closed. Nobody looked.\n"
			  "\t\tmeta mark & 0x%08x == 0x%08x goto watched_refuse\n",
			  marks->mask, marks->watching);
	else
		text_addf(text,
			  "\t\t# when-down: open. Nobody looked: it goes on.\n"
			  "\t\tmeta mark & 0x%08x == 0x%08x goto watched_forward\n",
			  marks->mask, marks->watching);
	text_add(text, "\t\t");
	add_mark_value(text, ruleset, 0);
	text_add(text, "\n\t}\n\n");
}

/* Our bits go before anybody else looks at the mark. */
static void add_fates(struct text *text, const struct ruleset *ruleset)
{
	text_add(text, "\tchain watched_forward {\n\t\t");
	add_mark_value(text, ruleset, 0);
	text_add(text, "\n\t\tct direction original goto forward\n\t}\n\n"
		       "\tchain watched_refuse {\n\t\t");
	add_mark_value(text, ruleset, 0);
	text_add(text, "\n\t\tgoto refuse\n\t}\n\n");
}

/* The gateway is the resolver of most homes: its own answers go out here. */
static void add_resolver(struct text *text, const struct ruleset *ruleset)
{
	text_add(text, "\t# Answers of the gateway's own resolver.\n"
		       "\tchain resolver {\n"
		       "\t\ttype filter hook output priority mangle; policy accept;\n\n"
		       "\t\toifname {");
	for (size_t i = 0; i < ruleset->lan_count; i++)
		text_addf(text, "%s \"%s\"", i ? "," : "", ruleset->lan[i].name);
	text_addf(text, " } udp sport %d fib saddr type local ct direction reply goto watch\n\t}\n\n",
		  DNS_PORT);
}

/* Its question went no further, and conntrack has forgotten it: to conntrack an answer would begin something new, the
 * other way round, and later questions from the same socket would be its replies. */
static void add_own_answers(struct text *text, const struct marks *marks)
{
	text_addf(text,
		  "\t# Answers of the packet door's own belong to no connection.\n"
		  "\tchain own_answers {\n"
		  "\t\ttype filter hook output priority raw; policy accept;\n\n"
		  "\t\tmeta mark & 0x%08x == 0x%08x udp sport %d notrack\n\t}\n\n",
		  marks->mask, marks->undecided, DNS_PORT);
}

static void add_packet_door(struct text *text, const struct ruleset *ruleset)
{
	struct marks marks;

	if (!watches(ruleset) || !marks_choose(&marks, ruleset->mark, ruleset->mark_mask))
		return;
	add_watch(text, ruleset, &marks);
	add_fates(text, ruleset);
	add_watched(text, ruleset, &marks);
	if (watches_dns(ruleset)) {
		add_resolver(text, ruleset);
		add_own_answers(text, &marks);
	}
}

/* Where nobody listens, an open house routes them as if we were not here. */
static void add_carry(struct text *text, const struct ruleset *ruleset)
{
	if (!ruleset->carries)
		return;
	text_addf(text,
		  "\t# Datagrams, to a worker.\n"
		  "\tchain carry {\n"
		  "\t\tmeta l4proto udp tproxy to :%u ",
		  ruleset->datagram_listener);
	add_mark(text, ruleset);
	text_addf(text,
		  " accept\n"
		  "\t\t%s\n"
		  "\t}\n\n",
		  ruleset->when_down == WHEN_DOWN_CLOSED ? "reject" : "accept");
}

static void begin_proxy(struct text *text, const struct ruleset *ruleset)
{
	text_add(text, "\t# To a worker.\n"
		       "\tchain proxy {\n");
	if (ruleset->carries)
		text_add(text, "\t\tmeta l4proto udp jump carried\n");
	if (watches(ruleset) && ruleset->udp_count)
		text_add(text, "\t\t# Workers carry TCP, and what a rule routes.\n"
			       "\t\tmeta l4proto udp goto watch\n\n");
	else if (ruleset->rules && ruleset->udp_count && ruleset->queue == QUEUE_NOT_AT_ALL)
		text_add(text, "\t\t# Nobody reads UDP yet. QUIC is told \"port unreachable\" and "
			       "comes back over TCP.\n"
			       "\t\tudp dport 53 accept\n"
			       "\t\tmeta l4proto udp reject\n\n");
}

static void add_doors(struct text *text, const struct ruleset *ruleset)
{
	add_taking(text, ruleset);
	text_add(text, "\t\t# One listener for each LAN port. The mark goes on only where tproxy "
		       "found one.\n");
	for (size_t i = 0; i < ruleset->lan_count; i++) {
		text_addf(text, "\t\tiifname \"%s\" meta l4proto tcp tproxy to :%u ",
			  ruleset->lan[i].name, ruleset->lan[i].listener);
		add_mark(text, ruleset);
		text_add(text, " accept\n");
	}
	add_when_down(text, ruleset->when_down);
	if (ruleset->guards && ruleset->when_down == WHEN_DOWN_OPEN)
		text_add(text, "\t\tgoto guard\n");
	text_add(text, "\t}\n\n");
}

static void add_answers(struct text *text, const struct ruleset *ruleset)
{
	if (watches_dns(ruleset))
		text_addf(text,
			  "\t\t# Answers of DNS tell the packet door who is behind an address.\n"
			  "\t\tudp sport %d ct direction reply goto watch\n\n",
			  DNS_PORT);
}

static void add_tproxy(struct text *text, const struct ruleset *ruleset)
{
	add_ours(text, ruleset);
	if (ruleset->rules)
		add_strays(text, ruleset);
	begin_plan(text);
	add_own_packets(text, ruleset);
	add_own_datagrams(text, ruleset);
	text_add(text, "\n");
	add_answers(text, ruleset);
	add_scope(text, ruleset);
	add_stray_resets(text);
	add_captured(text, ruleset);
	add_rules(text, ruleset);
	add_packet_door(text, ruleset);
	add_carry(text, ruleset);
	begin_proxy(text, ruleset);
	add_doors(text, ruleset);
	text_add(text, "\t# Nobody may knock at a listener directly.\n"
		       "\tchain door {\n"
		       "\t\ttype filter hook input priority filter - 1; policy accept;\n\n"
		       "\t\t");
	add_listeners(text, ruleset);
	text_addf(text, "meta mark & 0x%08x != 0x%08x reject with tcp reset\n", ruleset->mark_mask,
		  ruleset->mark);
	if (ruleset->carries)
		text_addf(text, "\t\tudp dport %u meta mark & 0x%08x != 0x%08x reject\n",
			  ruleset->datagram_listener, ruleset->mark_mask, ruleset->mark);
	text_add(text, "\t}\n");
}

/* The chain of rules stands before the one that turns: what goes on in the kernel carries its mark by then. */
static void add_plan_of_redirect(struct text *text, const struct ruleset *ruleset)
{
	add_strays(text, ruleset);
	begin_plan(text);
	text_add(text, "\t\t# What was turned to us has been judged.\n"
		       "\t\tct status dnat accept\n\n");
	add_scope(text, ruleset);
	add_captured(text, ruleset);
	add_rules(text, ruleset);
	begin_proxy(text, ruleset);
	text_add(text, "\t\t# The chain `turn` takes it from here.\n"
		       "\t}\n\n");
}

static void add_redirect(struct text *text, const struct ruleset *ruleset)
{
	if (ruleset->rules)
		add_plan_of_redirect(text, ruleset);
	text_add(text, "\tchain turn {\n"
		       "\t\ttype nat hook prerouting priority dstnat - 1; policy accept;\n\n"
		       "\t\t# Only devices behind the LAN ports, only what they send elsewhere. "
		       "One listener\n"
		       "\t\t# for each LAN port.\n"
		       "\t\tfib daddr type { local, broadcast, anycast, multicast } return\n");
	if (ruleset->rules)
		text_addf(text, "\t\tct mark & 0x%08x == 0x%08x return\n", ruleset->mark_mask,
			  forward_mark(ruleset));
	for (size_t i = 0; i < ruleset->lan_count; i++) {
		text_addf(text, "\t\tiifname \"%s\" ", ruleset->lan[i].name);
		add_tcp_ports(text, ruleset, "tcp dport");
		text_addf(text, "redirect to :%u\n", ruleset->lan[i].listener);
	}
	text_add(text, "\n\t\t# Without a listener the kernel refuses: `when-down: open` needs "
		       "tproxy, and so does\n"
		       "\t\t# `source: keep`.\n"
		       "\t}\n\n"
		       "\t# Nobody may knock at a listener directly.\n"
		       "\tchain door {\n"
		       "\t\ttype filter hook input priority filter - 1; policy accept;\n\n"
		       "\t\t");
	add_listeners(text, ruleset);
	text_add(text, "ct status & dnat == 0 reject with tcp reset\n\t}\n");
}

/* The connections that were redirected live on in conntrack, as long as there is a chain of type nat. */
static void add_ebb(struct text *text, const struct ruleset *ruleset)
{
	if (ruleset->method == CAPTURE_TPROXY) {
		add_ours(text, ruleset);
		begin_plan(text);
		add_own_packets(text, ruleset);
	} else {
		text_add(text, "\tchain turn {\n"
			       "\t\ttype nat hook prerouting priority dstnat - 1; policy accept;\n");
	}
	text_add(text, "\t}\n\n"
		       "\t# The listeners are closing.\n"
		       "\tchain door {\n"
		       "\t\ttype filter hook input priority filter - 1; policy accept;\n\n"
		       "\t\t");
	add_listeners(text, ruleset);
	text_add(text, "tcp flags & (syn | ack) == syn reject with tcp reset\n\t}\n");
}

/* Whoever looks at marks behind us must not take ours for theirs. */
static void add_sweep(struct text *text, const struct ruleset *ruleset)
{
	text_addf(text,
		  "\n\t# The lists have been asked; their bits of the mark are free again.\n"
		  "\tchain sweep {\n"
		  "\t\ttype filter hook prerouting priority mangle - 1; policy accept;\n\n"
		  "\t\tmeta mark & 0x%08x != 0 meta mark set meta mark & 0x%08x\n"
		  "\t}\n",
		  ruleset->list_mask, ~ruleset->list_mask);
}

static char *print(const struct ruleset *ruleset,
		   void (*add_chains)(struct text *text, const struct ruleset *ruleset))
{
	size_t size = RULESET_TEXT;
	struct text text;
	char *storage;

	if (!makes_sense(ruleset)) {
		errno = EINVAL;
		return NULL;
	}
	if (ruleset->rules)
		size += strlen(ruleset->objects) + strlen(ruleset->rules);
	storage = malloc(size);
	if (!storage)
		return NULL;
	text_begin(&text, storage, size);
	add_head(&text, ruleset);
	add_chains(&text, ruleset);
	if (ruleset->list_mask)
		add_sweep(&text, ruleset);
	text_add(&text, "}\n");
	if (!text.full)
		return storage;
	free(storage);
	errno = ENOMEM;
	return NULL;
}

char *ruleset_print(const struct ruleset *ruleset)
{
	return print(ruleset, ruleset->method == CAPTURE_TPROXY ? add_tproxy : add_redirect);
}

char *ruleset_print_ebb(const struct ruleset *ruleset)
{
	return print(ruleset, add_ebb);
}
