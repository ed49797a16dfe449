/* The section `box` of the policy file: what a machine that is the router itself needs beside the
 * gateway: its ports, addresses, DHCP, names and the firewall of its own doors. Read with the
 * policy; printed as the configuration of well-kept parts (ip, dnsmasq, nft). */
#pragma once

#include <stdbool.h>

#include "daemon/address.h"
#include "daemon/name.h"
#include "daemon/policy/port.h"

struct policy;
struct text;

enum {
	BOX_PORT_NAME = 16,
	SEGMENTS_MAX = 8,
	SEGMENT_PORTS_MAX = 8,
	BOX_SERVERS_MAX = 4, /* names asked, clocks asked */
	BOX_NAME_SIZE = 64,
	BOX_LOGIN_SIZE = 128, /* a user or a password */
};

/* An address of the box's own, with the length of its network's prefix; AF_UNSPEC: none. */
struct own_address {
	struct address address;
	uint8_t length;
};

enum wan_way { WAN_BY_DHCP, WAN_BY_HAND, WAN_BY_PPPOE };

struct wan {
	char port[BOX_PORT_NAME]; /* "eth0.7": VLAN 7 of eth0; "": no such port */
	char gate[BOX_PORT_NAME]; /* where packets leave: the port, or the login's "ppp0" */
	enum wan_way way;
	struct own_address v4;
	struct own_address v6;
	bool v6_announced; /* by router advertisements of the provider */
	struct address router;
	struct address router6;
	char user[BOX_LOGIN_SIZE]; /* of the login; "": none */
	char password[BOX_LOGIN_SIZE];
};

/* One network of devices: a bridge over its ports. */
struct segment {
	char name[BOX_PORT_NAME];
	size_t port_count;
	char ports[SEGMENT_PORTS_MAX][BOX_PORT_NAME];
	struct own_address v4;
	struct own_address v6;
	bool v6_delegated; /* instead: from the prefix that the provider delegates */
	bool serves_dhcp;
	struct address first, last; /* what DHCP gives */
	bool guest; /* reaches the internet, not the box and not the other segments */
};

struct box {
	bool given;
	char name[BOX_NAME_SIZE];
	struct wan wan;
	size_t segment_count;
	struct segment segments[SEGMENTS_MAX];
	size_t resolver_count; /* who is asked for names; none: whom the provider names */
	struct address resolvers[BOX_SERVERS_MAX];
	size_t clock_count; /* who is asked for the time; none: the public pool */
	char clocks[BOX_SERVERS_MAX][NAME_SIZE]; /* names or addresses */
};

/* Splits "eth0.7" into the port and its VLAN; false when the name is no such thing. */
bool box_vlan(const char name[static BOX_PORT_NAME], char parent[static BOX_PORT_NAME],
	      unsigned *vlan);

/* The network that an own address lies in. */
struct prefix own_network(const struct own_address *own);

/* True when a network takes its IPv6 addresses from the provider's prefix. */
bool box_wants_prefix(const struct box *box);

/* Shell commands for busybox or iproute2 that make ports, bridges and addresses; may run again. */
void box_print_ports(const struct box *box, struct text *text);

/* What the scripts that run the clients of the provider must know, as shell variables. */
void box_print_wan(const struct box *box, struct text *text);

/* pppd's options for the login at the provider, its password among them. */
void box_print_login(const struct box *box, struct text *text);

/* dhcpcd's configuration: it asks for a prefix and gives each network that wants one a /64 of it
 * (RFC 8415). */
void box_print_prefix(const struct box *box, struct text *text);

/* dnsmasq's configuration: DHCP, router advertisements, forwarding of names. */
void box_print_names(const struct box *box, struct text *text);

/* openntpd's configuration. */
void box_print_clocks(const struct box *box, struct text *text);

/* The table `inet box`: the WAN closed, management from the LAN alone, IPv4 masqueraded. It lets
 * packets pass that the policy's mark shows to be captured. */
void box_print_firewall(const struct policy *policy, struct text *text);
