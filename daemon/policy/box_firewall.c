/* The firewall of the box's own doors, as text for nft(8). */
#include "daemon/policy/policy.h"
#include "daemon/text.h"

/* { "a", "b" } of the segments that are guests, or of the others; false when there is none. */
static bool add_set(struct text *text, const char *before, const struct box *box, bool guests)
{
	size_t count = 0;

	for (size_t i = 0; i < box->segment_count; i++) {
		if (box->segments[i].guest != guests)
			continue;
		text_addf(text, "%s\"%s\"", count++ ? ", " : before, box->segments[i].name);
	}
	return count > 0;
}

/* SSH, and the console where it listens at an address of the LAN. */
static void add_management(struct text *text, const struct console_settings *console)
{
	size_t count = 0;

	for (size_t i = 0; i < console->listen_count; i++)
		count += !console->listens[i].local;
	text_add(text, count ? " } tcp dport { 22" : " } tcp dport 22");
	for (size_t i = 0; i < console->listen_count; i++)
		if (!console->listens[i].local)
			text_addf(text, ", %u", console->listens[i].address.port);
	text_add(text, count ? " } accept\n" : " accept\n");
}

static void add_input(struct text *text, const struct policy *policy)
{
	text_addf(text,
		  "\tchain input {\n"
		  "\t\ttype filter hook input priority filter; policy drop;\n"
		  "\t\tct state established,related accept\n"
		  "\t\tct state invalid drop\n"
		  "\t\tiifname \"lo\" accept\n"
		  "\t\t# What Headgate captures is handed to its own listener.\n"
		  "\t\tmeta mark & 0x%08x == 0x%08x accept\n"
		  "\t\ticmp type echo-request limit rate 20/second accept\n"
		  "\t\ticmpv6 type echo-request limit rate 20/second accept\n"
		  "\t\ticmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, "
		  "nd-neighbor-advert, mld-listener-query } accept\n",
		  policy->capture.mark_mask, policy->capture.mark);
	/* Answers to what was asked of a multicast address. */
	if (box_wants_prefix(&policy->box))
		text_addf(text,
			  "\t\tiifname \"%s\" ip6 saddr fe80::/10 udp dport 546 accept\n",
			  policy->box.wan.gate);
	for (size_t i = 0; i < policy->box.segment_count; i++)
		text_addf(text,
			  "\t\tiifname \"%s\" meta l4proto { tcp, udp } th dport 53 accept\n"
			  "\t\tiifname \"%s\" udp dport { 67, 547 } accept\n",
			  policy->box.segments[i].name, policy->box.segments[i].name);
	if (add_set(text, "\t\t# Management, from the LAN alone.\n\t\tiifname { ", &policy->box,
		    false))
		add_management(text, &policy->console);
	/* A device is told no; the internet hears nothing. */
	for (size_t i = 0; i < policy->box.segment_count; i++)
		text_addf(text, "\t\tiifname \"%s\" reject with icmpx admin-prohibited\n",
			  policy->box.segments[i].name);
	text_add(text, "\t}\n\n");
}

static void add_forward(struct text *text, const struct box *box)
{
	text_add(text, "\tchain forward {\n"
		       "\t\ttype filter hook forward priority filter; policy drop;\n"
		       "\t\ttcp flags syn tcp option maxseg size set rt mtu\n"
		       "\t\tct state established,related accept\n"
		       "\t\tct state invalid drop\n");
	if (box->wan.gate[0])
		for (size_t i = 0; i < box->segment_count; i++)
			text_addf(text, "\t\tiifname \"%s\" oifname \"%s\" accept\n",
				  box->segments[i].name, box->wan.gate);
	/* From networks of the house into each other; guests stay among themselves. */
	if (add_set(text, "\t\tiifname { ", box, false)) {
		text_add(text, " } oifname {");
		for (size_t i = 0; i < box->segment_count; i++)
			text_addf(text, "%s\"%s\"", i ? ", " : " ", box->segments[i].name);
		text_add(text, " } accept\n");
	}
	for (size_t i = 0; i < box->segment_count; i++)
		text_addf(text, "\t\tiifname \"%s\" reject with icmpx admin-prohibited\n",
			  box->segments[i].name);
	text_add(text, "\t}\n\n");
}

void box_print_firewall(const struct policy *policy, struct text *text)
{
	const struct box *box = &policy->box;

	text_add(text, "# Made from `box` of the policy. Do not edit.\n"
		       "add table inet box\n"
		       "delete table inet box\n"
		       "table inet box {\n");
	add_input(text, policy);
	add_forward(text, box);
	text_add(text, "\tchain leave {\n"
		       "\t\ttype nat hook postrouting priority srcnat;\n");
	if (box->wan.gate[0])
		text_addf(text, "\t\tmeta nfproto ipv4 oifname \"%s\" masquerade\n", box->wan.gate);
	text_add(text, "\t}\n}\n");
}
