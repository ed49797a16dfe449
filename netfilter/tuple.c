#include "netfilter/tuple.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>

static void note_address(struct address *address, const struct nlattr *attribute)
{
	bool ipv6 = mnl_attr_get_type(attribute) == CTA_IP_V6_SRC ||
		    mnl_attr_get_type(attribute) == CTA_IP_V6_DST;
	size_t width = ipv6 ? 16 : 4;

	if (mnl_attr_get_payload_len(attribute) != width)
		return;
	address->family = ipv6 ? AF_INET6 : AF_INET;
	memcpy(address->bytes, mnl_attr_get_payload(attribute), width);
}

static int note_ip(const struct nlattr *attribute, void *context)
{
	struct tuple *tuple = context;

	switch (mnl_attr_get_type(attribute)) {
	case CTA_IP_V4_SRC:
	case CTA_IP_V6_SRC:
		note_address(&tuple->client, attribute);
		break;
	case CTA_IP_V4_DST:
	case CTA_IP_V6_DST:
		note_address(&tuple->destination, attribute);
		break;
	}
	return MNL_CB_OK;
}

static int note_protocol(const struct nlattr *attribute, void *context)
{
	struct tuple *tuple = context;
	uint16_t type = mnl_attr_get_type(attribute);

	if (type == CTA_PROTO_NUM && mnl_attr_get_payload_len(attribute) == 1)
		tuple->protocol = mnl_attr_get_u8(attribute);
	if (mnl_attr_get_payload_len(attribute) != 2)
		return MNL_CB_OK;
	if (type == CTA_PROTO_SRC_PORT)
		tuple->client.port = ntohs(mnl_attr_get_u16(attribute));
	if (type == CTA_PROTO_DST_PORT)
		tuple->destination.port = ntohs(mnl_attr_get_u16(attribute));
	return MNL_CB_OK;
}

static int note_tuple(const struct nlattr *attribute, void *context)
{
	switch (mnl_attr_get_type(attribute)) {
	case CTA_TUPLE_IP:
		mnl_attr_parse_nested(attribute, note_ip, context);
		break;
	case CTA_TUPLE_PROTO:
		mnl_attr_parse_nested(attribute, note_protocol, context);
		break;
	}
	return MNL_CB_OK;
}

void tuple_read(struct tuple *tuple, const struct nlattr *attribute)
{
	mnl_attr_parse_nested(attribute, note_tuple, tuple);
}
