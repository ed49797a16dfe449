/* The box's way to the internet, as configuration of pppd(8) and dhcpcd(8), and what the scripts that
 * start them must know. */
#include "daemon/policy/box.h"
#include "daemon/text.h"

static const char *way_word(const struct wan *wan)
{
	static const char *const words[] = {
		[WAN_BY_DHCP] = "dhcp",
		[WAN_BY_HAND] = "own",
		[WAN_BY_PPPOE] = "pppoe",
	};

	return wan->port[0] ? words[wan->way] : "none";
}

bool box_wants_prefix(const struct box *box)
{
	for (size_t i = 0; i < box->segment_count; i++)
		if (box->segments[i].v6_delegated)
			return true;
	return false;
}

void box_print_wan(const struct box *box, struct text *text)
{
	text_addf(text, "WAN_PORT='%s'\nWAN_GATE='%s'\nWAN_ADDRESS='%s'\nWAN_PREFIX='%s'\nBOX_NAME='%s'\n",
		  box->wan.port, box->wan.gate, way_word(&box->wan),
		  box_wants_prefix(box) ? "auto" : "none", box->name);
}

/* As pppd's files quote it. */
static void add_quoted(struct text *text, const char *word, const char *value)
{
	text_addf(text, "%s \"", word);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			text_add_char(text, '\\');
		text_add_char(text, *value);
	}
	text_add(text, "\"\n");
}

void box_print_login(const struct box *box, struct text *text)
{
	text_add(text, "# Made from `box` of the policy. Do not edit.\n");
	if (box->wan.way != WAN_BY_PPPOE)
		return;
	text_addf(text, "plugin pppoe.so\nnic-%s\nunit 0\n", box->wan.port);
	add_quoted(text, "user", box->wan.user);
	add_quoted(text, "password", box->wan.password);
	/* RFC 2516: six bytes of PPPoE and two of PPP lie within the 1500 of Ethernet. */
	text_addf(text,
		  "noauth\n"
		  "noipdefault\n"
		  "defaultroute\n"
		  "usepeerdns\n"
		  "%s\n"
		  "mtu 1492\n"
		  "mru 1492\n"
		  "noaccomp\n"
		  "nopcomp\n"
		  "noccp\n"
		  "novj\n"
		  "# A line that has died is noticed within a minute.\n"
		  "lcp-echo-interval 15\n"
		  "lcp-echo-failure 3\n"
		  "nodetach\n"
		  "hide-password\n"
		  "ip-up-script /usr/share/headgate/login\n",
		  box->wan.v6_announced ? "+ipv6" : "noipv6");
}

void box_print_prefix(const struct box *box, struct text *text)
{
	unsigned number = 0;

	text_add(text, "# Made from `box` of the policy. Do not edit.\n");
	if (!box_wants_prefix(box))
		return;
	/* Advertisements are the kernel's. What is configured outlives a restart of dhcpcd. */
	text_addf(text,
		  "ipv6only\n"
		  "noipv6rs\n"
		  "nodev\n"
		  "persistent\n"
		  "script /bin/true\n"
		  "interface %s\n"
		  "\tia_pd 1",
		  box->wan.gate);
	for (size_t i = 0; i < box->segment_count; i++)
		if (box->segments[i].v6_delegated)
			text_addf(text, " %s/%u/64", box->segments[i].name, number++);
	text_add(text, "\n");
}
