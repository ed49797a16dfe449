#include "netfilter/ruleset.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/text.h"
#include "netfilter/table.h"

/* Room for every port name, two full sets of ranges and all the prose. */
enum { RULESET_TEXT = 16384 };

void ruleset_from_policy(struct ruleset *ruleset, const struct policy *policy,
			 enum capture_method method)
{
	const struct capture *capture = &policy->capture;

	memset(ruleset, 0, sizeof(*ruleset));
	ruleset->method = method;
	ruleset->when_down = policy->when_down;
	ruleset->mark = capture->mark;
	ruleset->mark_mask = capture->mark_mask;
	ruleset->lan_count = policy->lan_count;
	for (size_t i = 0; i < policy->lan_count; i++)
		memcpy(ruleset->lan[i].name, policy->lan[i], PORT_NAME);
	ruleset->tcp_count = capture->tcp_count;
	memcpy(ruleset->tcp, capture->tcp, sizeof(ruleset->tcp));
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
	       ruleset->refused_udp_count <= PORT_RANGES_MAX && ruleset->mark != 0 &&
	       (ruleset->mark & ~ruleset->mark_mask) == 0;
}

static void add_range(struct text *text, struct port_range range)
{
	if (range.first == range.last)
		text_addf(text, "%u", range.first);
	else
		text_addf(text, "%u-%u", range.first, range.last);
}

static void add_port_set(struct text *text, const char *name, const struct port_range *ranges,
			 size_t count)
{
	text_addf(text,
		  "\tset %s {\n"
		  "\t\ttype inet_service\n"
		  "\t\tflags interval\n"
		  "\t\telements = {",
		  name);
	for (size_t i = 0; i < count; i++) {
		text_add(text, i ? ", " : " ");
		add_range(text, ranges[i]);
	}
	text_add(text, " }\n\t}\n\n");
}

static void add_listener_set(struct text *text, const struct ruleset *ruleset)
{
	text_add(text, "\tset listeners {\n"
		       "\t\ttype inet_service\n"
		       "\t\telements = {");
	for (size_t i = 0; i < ruleset->lan_count; i++)
		text_addf(text, "%s %u", i ? "," : "", ruleset->lan[i].listener);
	text_add(text, " }\n\t}\n\n");
}

static void add_head(struct text *text, const struct ruleset *ruleset)
{
	const char *name = ruleset->stands_in ? TABLE_STAND_IN : TABLE_NAME;

	text_addf(text,
		  "# One transaction: the old table, if any, goes as the new one comes.\n"
		  "add table inet %s\n"
		  "delete table inet %s\n"
		  "table inet %s {\n",
		  name, name, name);
	text_add(text,
		 "\tcomment \"Headgate captures connections of the LAN here. Made by headgated; "
		 "ask headgatectl, do not edit.\"\n\n");
	add_listener_set(text, ruleset);
	add_port_set(text, "captured", ruleset->tcp, ruleset->tcp_count);
	if (ruleset->refused_udp_count)
		add_port_set(text, "refused_udp", ruleset->refused_udp, ruleset->refused_udp_count);
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

/* Which traffic the plan is about, for a chain that sees everything. */
static void add_scope(struct text *text, const struct ruleset *ruleset)
{
	text_add(text, "\t\t# Only devices behind the LAN ports, only what they send elsewhere,\n"
		       "\t\t# only connections that they began.\n"
		       "\t\tiifname != {");
	for (size_t i = 0; i < ruleset->lan_count; i++)
		text_addf(text, "%s \"%s\"", i ? "," : "", ruleset->lan[i].name);
	text_add(text, " } return\n"
		       "\t\tfib daddr type { local, broadcast, anycast, multicast } return\n"
		       "\t\tct direction reply return\n");
}

static void add_refused_udp(struct text *text)
{
	text_add(text, "\n\t\t# QUIC is told \"port unreachable\" and comes back over TCP.\n"
		       "\t\tudp dport @refused_udp reject\n");
}

static void add_when_down(struct text *text, enum when_down when_down)
{
	if (when_down == WHEN_DOWN_CLOSED)
		text_add(text,
			 "\n\t\t# when-down: closed. Without a listener tproxy leaves its rule; "
			 "refuse at once.\n"
			 "\t\ttcp dport @captured reject with tcp reset\n");
	else
		text_add(text,
			 "\n\t\t# when-down: open. Without a listener tproxy leaves its rule; "
			 "the packet is routed as if\n"
			 "\t\t# we were not here.\n");
}

static void begin_plan(struct text *text, const struct ruleset *ruleset)
{
	add_ours(text, ruleset);
	text_add(text, "\tchain plan {\n"
		       "\t\ttype filter hook prerouting priority mangle - 1; policy accept;\n\n"
		       "\t\t# Our own connections, on any port, in both directions. A SYN begins "
		       "something\n"
		       "\t\t# new, also when it meets a socket in TIME_WAIT.\n"
		       "\t\ttcp flags & (syn | ack) != syn socket transparent 1 jump ours\n");
}

static void add_tproxy(struct text *text, const struct ruleset *ruleset)
{
	begin_plan(text, ruleset);
	text_add(text, "\n");
	add_scope(text, ruleset);
	if (ruleset->refused_udp_count)
		add_refused_udp(text);
	text_add(text, "\n\t\t# One listener for each LAN port. The mark goes on only where tproxy "
		       "found one.\n");
	for (size_t i = 0; i < ruleset->lan_count; i++) {
		text_addf(text, "\t\tiifname \"%s\" tcp dport @captured tproxy to :%u ",
			  ruleset->lan[i].name, ruleset->lan[i].listener);
		add_mark(text, ruleset);
		text_add(text, " accept\n");
	}
	add_when_down(text, ruleset->when_down);
	text_add(text, "\t}\n\n");
	text_addf(text,
		  "\t# Nobody may knock at a listener directly.\n"
		  "\tchain door {\n"
		  "\t\ttype filter hook input priority filter - 1; policy accept;\n\n"
		  "\t\ttcp dport @listeners meta mark & 0x%08x != 0x%08x reject with tcp reset\n"
		  "\t}\n",
		  ruleset->mark_mask, ruleset->mark);
}

static void add_redirect(struct text *text, const struct ruleset *ruleset)
{
	if (ruleset->refused_udp_count) {
		text_add(text,
			 "\tchain plan {\n"
			 "\t\ttype filter hook prerouting priority mangle - 1; policy accept;\n\n");
		add_scope(text, ruleset);
		add_refused_udp(text);
		text_add(text, "\t}\n\n");
	}
	text_add(text, "\tchain turn {\n"
		       "\t\ttype nat hook prerouting priority dstnat - 1; policy accept;\n\n"
		       "\t\t# Only devices behind the LAN ports, only what they send elsewhere. "
		       "One listener\n"
		       "\t\t# for each LAN port.\n"
		       "\t\tfib daddr type { local, broadcast, anycast, multicast } return\n");
	for (size_t i = 0; i < ruleset->lan_count; i++)
		text_addf(text, "\t\tiifname \"%s\" tcp dport @captured redirect to :%u\n",
			  ruleset->lan[i].name, ruleset->lan[i].listener);
	text_add(text, "\n\t\t# Without a listener the kernel refuses: `when-down: open` needs "
		       "tproxy, and so does\n"
		       "\t\t# `source: keep`.\n"
		       "\t}\n\n"
		       "\t# Nobody may knock at a listener directly.\n"
		       "\tchain door {\n"
		       "\t\ttype filter hook input priority filter - 1; policy accept;\n\n"
		       "\t\ttcp dport @listeners ct status & dnat == 0 reject with tcp reset\n"
		       "\t}\n");
}

/* The connections that were redirected live on in conntrack, as long as there is a chain of type nat. */
static void add_ebb(struct text *text, const struct ruleset *ruleset)
{
	if (ruleset->method == CAPTURE_TPROXY)
		begin_plan(text, ruleset);
	else
		text_add(text, "\tchain turn {\n"
			       "\t\ttype nat hook prerouting priority dstnat - 1; policy accept;\n");
	text_add(text, "\t}\n\n"
		       "\t# The listeners are closing.\n"
		       "\tchain door {\n"
		       "\t\ttype filter hook input priority filter - 1; policy accept;\n\n"
		       "\t\ttcp dport @listeners tcp flags & (syn | ack) == syn reject with tcp reset\n"
		       "\t}\n");
}

static char *print(const struct ruleset *ruleset,
		   void (*add_chains)(struct text *text, const struct ruleset *ruleset))
{
	if (!makes_sense(ruleset)) {
		errno = EINVAL;
		return NULL;
	}
	char *storage = malloc(RULESET_TEXT);
	if (!storage)
		return NULL;

	struct text text;
	text_begin(&text, storage, RULESET_TEXT);
	add_head(&text, ruleset);
	add_chains(&text, ruleset);
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
