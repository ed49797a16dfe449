#include "daemon/policy/box_wan_reader.h"

#include <string.h>

#include "daemon/policy/box_words.h"

static struct wan *wan_of(void *target)
{
	struct box *box = target;

	return &box->wan;
}

static void read_port(struct reading *reading, const struct keyword *keyword, struct value value,
		      void *target)
{
	box_read_port(reading, keyword, value, wan_of(target)->port);
}

static void read_address(struct reading *reading, const struct keyword *keyword,
			 struct value value, void *target)
{
	struct wan *wan = wan_of(target);

	if (strcmp(value_text(value), "dhcp") == 0)
		wan->way = WAN_BY_DHCP;
	else if (box_read_own(reading, keyword, value, AF_INET, &wan->v4))
		wan->way = WAN_BY_HAND;
}

static void read_address6(struct reading *reading, const struct keyword *keyword,
			  struct value value, void *target)
{
	struct wan *wan = wan_of(target);

	wan->v6_announced = strcmp(value_text(value), "auto") == 0;
	if (!wan->v6_announced && strcmp(value_text(value), "off") != 0)
		box_read_own(reading, keyword, value, AF_INET6, &wan->v6);
}

static void read_address_of(struct reading *reading, const struct keyword *keyword,
			    struct value value, sa_family_t family, struct address *address)
{
	struct address read;

	if (address_parse(&read, value_text(value)) != 0 || read.family != family)
		keyword_mismatch(reading, keyword, value);
	else
		*address = read;
}

static void read_router(struct reading *reading, const struct keyword *keyword, struct value value,
			void *target)
{
	read_address_of(reading, keyword, value, AF_INET, &wan_of(target)->router);
}

static void read_router6(struct reading *reading, const struct keyword *keyword, struct value value,
			 void *target)
{
	read_address_of(reading, keyword, value, AF_INET6, &wan_of(target)->router6);
}

/* What was found is not repeated: it may be a password. */
static void read_secret(struct reading *reading, const struct keyword *keyword, struct value value,
			char secret[static BOX_LOGIN_SIZE])
{
	const char *text = value_text(value);
	size_t length = strlen(text);

	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			length = 0;
	if (length == 0 || length >= BOX_LOGIN_SIZE)
		reading_error(reading, value,
			      "\"%s\" takes 1 to %d characters, without line breaks", keyword->word,
			      BOX_LOGIN_SIZE - 1);
	else
		memcpy(secret, text, length + 1);
}

static void read_user(struct reading *reading, const struct keyword *keyword, struct value value,
		      void *target)
{
	read_secret(reading, keyword, value, wan_of(target)->user);
}

static void read_password(struct reading *reading, const struct keyword *keyword,
			  struct value value, void *target)
{
	read_secret(reading, keyword, value, wan_of(target)->password);
}

static const struct keyword pppoe_keywords[] = {
	{ "user", FORM_TEXT, "the name that the provider gave you, such as 0123456@provider.example",
	  .read = read_user, .required = true },
	{ "password", FORM_TEXT, "the password that belongs to it", .read = read_password,
	  .required = true },
	{ 0 },
};

static const struct grammar pppoe_grammar = { "\"pppoe\"", pppoe_keywords };

static const struct keyword wan_keywords[] = {
	{ "port", FORM_TEXT,
	  "the port towards the internet, such as eth0, or eth0.7 for its VLAN 7",
	  .read = read_port, .required = true },
	{ "pppoe", FORM_MAPPING, "a mapping with user and password, where the provider wants a login",
	  .grammar = &pppoe_grammar },
	{ "address", FORM_TEXT, "dhcp (default) or an address such as 198.51.100.2/24",
	  .read = read_address },
	{ "router", FORM_TEXT, "the IPv4 address of the next router, beside an address of your own",
	  .read = read_router },
	{ "address6", FORM_TEXT, "auto (default), off, or an address such as 2001:db8::2/64",
	  .read = read_address6 },
	{ "router6", FORM_TEXT, "the IPv6 address of the next router", .read = read_router6 },
	{ 0 },
};

const struct grammar wan_grammar = { "\"wan\"", wan_keywords };

static void check_dialled(struct reading *reading, struct value value)
{
	static const char *const told[] = { "address", "router", "router6" };

	for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++) {
		struct value given = value_find(value, told[i]);

		if (value_kind(given) != VALUE_NOTHING)
			reading_error(reading, given,
				      "with \"pppoe\" the provider says this at each login: "
				      "leave \"%s\" out",
				      told[i]);
	}
}

static void check_plain(struct reading *reading, struct value value, const struct wan *wan)
{
	if (wan->way == WAN_BY_HAND && wan->router.family == AF_UNSPEC)
		reading_error(reading, value,
			      "an address of your own needs a \"router\": the provider's address");
	if (wan->way == WAN_BY_DHCP && wan->router.family != AF_UNSPEC)
		reading_error(reading, value,
			      "with \"address: dhcp\" the provider names the router; "
			      "leave \"router\" out");
}

void wan_check(struct reading *reading, struct value value, struct wan *wan)
{
	if (wan->user[0]) {
		check_dialled(reading, value);
		wan->way = WAN_BY_PPPOE;
		strcpy(wan->gate, "ppp0");
	} else {
		check_plain(reading, value, wan);
		strcpy(wan->gate, wan->port);
	}
	if (wan->v6.address.family != AF_UNSPEC && wan->router6.family == AF_UNSPEC)
		reading_error(reading, value, "an IPv6 address of your own needs a \"router6\"");
}
