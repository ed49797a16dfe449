/* The box's DHCP, router advertisements and names, as configuration of dnsmasq(8); its clock, of ntpd(8). */
#include "daemon/policy/box.h"
#include "daemon/text.h"

static void add_segment(struct text *text, const struct segment *segment)
{
	char first[ADDRESS_TEXT], last[ADDRESS_TEXT];
	struct prefix network;

	text_addf(text, "\ninterface=%s\n", segment->name);
	if (segment->serves_dhcp)
		text_addf(text, "dhcp-range=set:%s,%s,%s,12h\n", segment->name,
			  address_print(&segment->first, first),
			  address_print(&segment->last, last));
	/* Whatever addresses the port has from time to time. */
	if (segment->v6_delegated)
		text_addf(text, "dhcp-range=set:%s,::,constructor:%s,ra-stateless\n",
			  segment->name, segment->name);
	if (segment->v6.address.family == AF_UNSPEC)
		return;
	network = own_network(&segment->v6);
	text_addf(text, "dhcp-range=set:%s,%s,ra-stateless\n", segment->name,
		  address_print(&network.base, first));
}

void box_print_names(const struct box *box, struct text *text)
{
	char literal[ADDRESS_TEXT];

	text_add(text, "# Made from `box` of the policy. Do not edit.\n"
		       "user=dnsmasq\n"
		       "bind-dynamic\n"
		       "domain-needed\n"
		       "bogus-priv\n"
		       "local=/lan/\n"
		       "domain=lan\n"
		       "expand-hosts\n"
		       "enable-ra\n"
		       "dhcp-authoritative\n"
		       "dhcp-option=option6:dns-server,[::]\n"
		       "# Leases live in memory: what is written to flash is the owner's alone.\n"
		       "dhcp-leasefile=/run/box/leases\n");
	if (box->resolver_count == 0)
		text_add(text, "resolv-file=/run/box/resolv.provider\n");
	else
		text_add(text, "no-resolv\n");
	for (size_t i = 0; i < box->resolver_count; i++)
		text_addf(text, "server=%s\n", address_print(&box->resolvers[i], literal));
	for (size_t i = 0; i < box->segment_count; i++)
		add_segment(text, &box->segments[i]);
}

void box_print_clocks(const struct box *box, struct text *text)
{
	text_add(text, "# Made from `box` of the policy. Do not edit.\n");
	if (box->clock_count == 0)
		text_add(text, "servers pool.ntp.org\n");
	for (size_t i = 0; i < box->clock_count; i++)
		text_addf(text, "servers %s\n", box->clocks[i]);
}
