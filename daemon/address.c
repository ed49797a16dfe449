#include "daemon/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { LITERAL_MAX = INET6_ADDRSTRLEN };

static bool has_scope(const struct address *address)
{
	return address->family == AF_INET6 &&
	       (IN6_IS_ADDR_LINKLOCAL(&address->v6) || IN6_IS_ADDR_MC_LINKLOCAL(&address->v6));
}

/* Decimal digits only: strtoul() would take signs and spaces as well. */
static int parse_number(const char *text, unsigned long max, unsigned long *number)
{
	unsigned long value = 0;

	if (!*text)
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		value = value * 10 + (unsigned long)(*text - '0');
		if (value > max)
			return -1;
	}
	*number = value;
	return 0;
}

/* A literal as it stands; v4-mapped stays IPv6. */
static int parse_literal(struct address *address, const char *text)
{
	memset(address, 0, sizeof *address);
	address->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	return inet_pton(address->family, text, address->bytes) == 1 ? 0 : -1;
}

static void unmap(struct address *address)
{
	if (address->family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&address->v6))
		return;
	address->family = AF_INET;
	address->scope = 0;
	memmove(address->bytes, address->bytes + 12, 4);
	memset(address->bytes + 4, 0, 12);
}

static int parse_scope(struct address *address, const char *text)
{
	unsigned long scope;

	if (!has_scope(address) || parse_number(text, UINT32_MAX, &scope) || !scope)
		return -1;
	address->scope = (uint32_t)scope;
	return 0;
}

bool address_same_host(const struct address *a, const struct address *b)
{
	return a->family == b->family && a->scope == b->scope &&
	       !memcmp(a->bytes, b->bytes, address_width(a));
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->port == b->port && address_same_host(a, b);
}

int address_compare(const struct address *a, const struct address *b)
{
	int order;

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	order = memcmp(a->bytes, b->bytes, address_width(a));
	if (order)
		return order;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	return (a->scope > b->scope) - (a->scope < b->scope);
}

int address_parse(struct address *address, const char *text)
{
	const char *percent = strchrnul(text, '%');
	size_t length = (size_t)(percent - text);
	char literal[LITERAL_MAX];
	struct address parsed;

	if (length >= sizeof literal)
		return -1;
	memcpy(literal, text, length);
	literal[length] = '\0';
	if (parse_literal(&parsed, literal))
		return -1;
	if (*percent && parse_scope(&parsed, percent + 1))
		return -1;
	unmap(&parsed);
	*address = parsed;
	return 0;
}

int address_parse_with_port(struct address *address, const char *text)
{
	const char *colon = strrchr(text, ':');
	bool bracketed = text[0] == '[';
	char literal[ADDRESS_TEXT];
	struct address parsed;
	unsigned long port;
	size_t length;

	if (!colon || parse_number(colon + 1, UINT16_MAX, &port))
		return -1;
	length = (size_t)(colon - text);
	if (!length || length >= sizeof literal || (bracketed && colon[-1] != ']'))
		return -1;
	snprintf(literal, sizeof literal, "%.*s", (int)length - 2 * bracketed, text + bracketed);
	if (bracketed != (strchr(literal, ':') != NULL) || address_parse(&parsed, literal))
		return -1;
	parsed.port = (uint16_t)port;
	*address = parsed;
	return 0;
}

/* As inet_ntop(), which goes through printf: the journal prints half a dozen for every connection. */
static void print_ipv4(const uint8_t bytes[static 4], char *text)
{
	for (unsigned i = 0; i < 4; i++) {
		if (bytes[i] >= 100)
			*text++ = (char)('0' + bytes[i] / 100);
		if (bytes[i] >= 10)
			*text++ = (char)('0' + bytes[i] / 10 % 10);
		*text++ = (char)('0' + bytes[i] % 10);
		*text++ = i < 3 ? '.' : '\0';
	}
}

char *address_print(const struct address *address, char text[static ADDRESS_TEXT])
{
	size_t length;

	strcpy(text, "-");
	if (!address_width(address))
		return text;
	if (address->family == AF_INET)
		print_ipv4(address->bytes, text);
	else
		inet_ntop(address->family, address->bytes, text, ADDRESS_TEXT);
	if (address->scope) {
		length = strlen(text);
		snprintf(text + length, ADDRESS_TEXT - length, "%%%u", address->scope);
	}
	return text;
}

char *address_print_with_port(const struct address *address, char text[static ADDRESS_TEXT])
{
	char literal[ADDRESS_TEXT];

	address_print(address, literal);
	if (address->family == AF_INET6)
		snprintf(text, ADDRESS_TEXT, "[%.63s]:%u", literal, address->port);
	else if (address->family == AF_INET)
		snprintf(text, ADDRESS_TEXT, "%.15s:%u", literal, address->port);
	else
		strcpy(text, literal);
	return text;
}

static socklen_t to_socket4(const struct address *address, struct sockaddr_in *in)
{
	in->sin_family = AF_INET;
	in->sin_port = htons(address->port);
	in->sin_addr = address->v4;
	return sizeof *in;
}

static socklen_t to_socket6(const struct address *address, struct sockaddr_in6 *in)
{
	in->sin6_family = AF_INET6;
	in->sin6_port = htons(address->port);
	in->sin6_scope_id = address->scope;
	if (address->family == AF_INET6) {
		in->sin6_addr = address->v6;
	} else {
		in->sin6_addr.s6_addr[10] = 0xff;
		in->sin6_addr.s6_addr[11] = 0xff;
		memcpy(in->sin6_addr.s6_addr + 12, address->bytes, 4);
	}
	return sizeof *in;
}

socklen_t address_to_socket(const struct address *address, sa_family_t family,
			    struct sockaddr_storage *socket_address)
{
	memset(socket_address, 0, sizeof *socket_address);
	if (!address_width(address))
		return 0;
	if (address->family == AF_INET && family != AF_INET6)
		return to_socket4(address, (struct sockaddr_in *)socket_address);
	return to_socket6(address, (struct sockaddr_in6 *)socket_address);
}

int address_from_socket(struct address *address, const struct sockaddr *socket_address)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (socket_address->sa_family == AF_INET) {
		memcpy(&in, socket_address, sizeof in);
		memset(address, 0, sizeof *address);
		address->family = AF_INET;
		address->port = ntohs(in.sin_port);
		address->v4 = in.sin_addr;
		return 0;
	}
	if (socket_address->sa_family != AF_INET6)
		return -1;
	memcpy(&in6, socket_address, sizeof in6);
	memset(address, 0, sizeof *address);
	address->family = AF_INET6;
	address->port = ntohs(in6.sin6_port);
	address->v6 = in6.sin6_addr;
	if (has_scope(address))
		address->scope = in6.sin6_scope_id;
	unmap(address);
	return 0;
}

unsigned address_width(const struct address *address)
{
	if (address->family == AF_INET)
		return 4;
	return address->family == AF_INET6 ? 16 : 0;
}

/* True when the first length bits are the same. */
static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned length)
{
	unsigned whole = length / 8;
	unsigned rest = length % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return !rest || !((a[whole] ^ b[whole]) >> (8 - rest));
}

bool address_is_private(const struct address *address)
{
	static const struct {
		sa_family_t family;
		uint8_t length;
		uint8_t bytes[16];
	} spaces[] = {
		{ AF_INET, 8, { 10 } },		 { AF_INET, 8, { 127 } },
		{ AF_INET, 10, { 100, 64 } },	 { AF_INET, 12, { 172, 16 } },
		{ AF_INET, 16, { 169, 254 } },	 { AF_INET, 16, { 192, 168 } },
		{ AF_INET6, 7, { 0xfc } },	 { AF_INET6, 10, { 0xfe, 0x80 } },
		{ AF_INET6, 128, { [15] = 1 } },
	};

	for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++)
		if (spaces[i].family == address->family &&
		    same_bits(spaces[i].bytes, address->bytes, spaces[i].length))
			return true;
	return false;
}

/* Clears the bits after the prefix; true when one of them was set. */
static bool clear_host_bits(struct address *base, unsigned length)
{
	uint8_t lost = 0;
	uint8_t keep;

	for (unsigned i = 0; i < address_width(base); i++) {
		keep = 0xff;
		if (i * 8 >= length)
			keep = 0;
		else if (i * 8 + 8 > length)
			keep = (uint8_t)(0xff << (i * 8 + 8 - length));
		lost |= base->bytes[i] & (uint8_t)~keep;
		base->bytes[i] &= keep;
	}
	return lost != 0;
}

int prefix_parse(struct prefix *prefix, const char *text)
{
	const char *slash = strchrnul(text, '/');
	size_t literal_length = (size_t)(slash - text);
	char literal[LITERAL_MAX];
	struct address base;
	unsigned long length;
	bool host_bits;

	if (literal_length >= sizeof literal)
		return -1;
	memcpy(literal, text, literal_length);
	literal[literal_length] = '\0';
	if (parse_literal(&base, literal))
		return -1;
	length = 8UL * address_width(&base);
	if (*slash && parse_number(slash + 1, length, &length))
		return -1;
	host_bits = clear_host_bits(&base, (unsigned)length);
	if (base.family == AF_INET6 && length >= 96 && IN6_IS_ADDR_V4MAPPED(&base.v6)) {
		unmap(&base);
		length -= 96;
	}
	prefix->base = base;
	prefix->length = (uint8_t)length;
	return host_bits ? -2 : 0;
}

char *prefix_print(const struct prefix *prefix, char text[static PREFIX_TEXT])
{
	char literal[ADDRESS_TEXT];

	address_print(&prefix->base, literal);
	snprintf(text, PREFIX_TEXT, "%.46s/%u", literal, prefix->length);
	return text;
}

bool prefix_contains(const struct prefix *prefix, const struct address *address)
{
	return prefix->base.family == address->family &&
	       same_bits(prefix->base.bytes, address->bytes, prefix->length);
}
