/* An IP address with a port, and an IP prefix: the words every other file speaks in. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
	ADDRESS_TEXT = 72, /* "[2001:db8::1%4294967295]:65535" and a NUL fit */
	PREFIX_TEXT = 56,
};

/* family is AF_UNSPEC while nothing is known; an IPv4-mapped IPv6 address is always held as IPv4. */
struct address {
	sa_family_t family;
	uint16_t port;  /* host byte order; 0: none */
	uint32_t scope; /* interface index of a link-local IPv6 address, else 0 */
	union {
		struct in_addr v4;
		struct in6_addr v6;
		uint8_t bytes[16]; /* network byte order; 4 of them for IPv4 */
	};
};

struct prefix {
	struct address base; /* host bits are zero, port is 0 */
	uint8_t length;      /* 0..32 or 0..128 */
};

/* True when family, bytes and scope are equal; the port is not looked at. */
bool address_same_host(const struct address *a, const struct address *b);

/* True when host and port are equal. */
bool address_equal(const struct address *a, const struct address *b);

/* <0, 0, >0 by family, then bytes, then port: an order for sorting. */
int address_compare(const struct address *a, const struct address *b);

/* Reads an IPv4 or IPv6 literal without port ("192.0.2.1", "2001:db8::1"). 0, or -1 when text is
 * anything else; *address is then untouched. */
int address_parse(struct address *address, const char *text);

/* Reads "192.0.2.1:443" or "[2001:db8::1]:443". 0 or -1 as above. */
int address_parse_with_port(struct address *address, const char *text);

/* Writes the literal without port into text and returns text; "-" for AF_UNSPEC. */
char *address_print(const struct address *address, char text[static ADDRESS_TEXT]);

/* Writes literal and port, IPv6 in brackets (RFC 5952 section 6), into text and returns text. */
char *address_print_with_port(const struct address *address, char text[static ADDRESS_TEXT]);

/* Converts to the kernel's form; returns its length. An IPv4 address becomes v4-mapped when
 * family is AF_INET6 (for dual-stack sockets); family AF_UNSPEC keeps the address's own. */
socklen_t address_to_socket(const struct address *address, sa_family_t family,
			    struct sockaddr_storage *socket_address);

/* Converts from the kernel's form; a v4-mapped address becomes IPv4. 0, or -1 for a family that is
 * neither AF_INET nor AF_INET6. */
int address_from_socket(struct address *address, const struct sockaddr *socket_address);

/* Number of significant bytes: 4, 16 or 0. */
unsigned address_width(const struct address *address);

/* True for private, loopback, link-local, unique-local and shared space (RFC 1918, 4193, 6598,
 * 3927, 4291): what `address: private` means. */
bool address_is_private(const struct address *address);

/* Reads "192.0.2.0/24", "2001:db8::/32" or a bare address (full length). 0; -1 when it is not a
 * prefix; -2 when host bits are set (*prefix is then filled with them cleared). */
int prefix_parse(struct prefix *prefix, const char *text);

/* Writes "192.0.2.0/24" into text and returns text. */
char *prefix_print(const struct prefix *prefix, char text[static PREFIX_TEXT]);

/* True when address lies in prefix; families must agree. */
bool prefix_contains(const struct prefix *prefix, const struct address *address);
