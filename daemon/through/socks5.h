/* SOCKS5 as its client (RFC 1928), with user and password (RFC 1929): what is said to the proxy, and what
 * its answers mean. */
#pragma once

#include <stdint.h>

#include "daemon/address.h"
#include "daemon/reader.h"
#include "daemon/through/answer.h"

struct text;

enum {
	SOCKS5_HEAD_MAX = 4 + 1 + 255 + 2, /* bytes before a datagram */
	SOCKS5_SAID_MAX = 3 + 2 * 255, /* bytes of the longest thing we say */
	SOCKS5_ANSWER_MAX = 4 + 1 + 255 + 2, /* and of the longest answer */
	SOCKS5_WORD_MAX = 255, /* bytes of a user, a password, a name */
};

enum socks5_method { SOCKS5_FREE = 0, SOCKS5_PASSWORD = 2 };

/* The greeting: which ways to prove ourselves we know. credentials: user and password can be given. */
void socks5_add_greeting(struct text *text, bool credentials);

/* Its answer; with YES *method is what the proxy wants, of those that were offered. */
struct proxy_answer socks5_read_method(const void *bytes, size_t length, bool credentials,
				       enum socks5_method *method);

/* User and password (RFC 1929), each at most SOCKS5_WORD_MAX bytes. */
void socks5_add_credentials(struct text *text, const char *user, const char *password);
struct proxy_answer socks5_read_credentials(const void *bytes, size_t length);

/* Asks for a TCP connection to a name, which the proxy resolves, or to an address (name NULL). */
void socks5_add_request(struct text *text, const char *name, const struct address *address,
			uint16_t port);

/* Asks for an association for datagrams (UDP ASSOCIATE), which will come from an address of this family. */
void socks5_add_associate(struct text *text, sa_family_t family);

/* With YES *bound is the address in the answer: for datagrams, where they are to be sent. AF_UNSPEC
 * when it is a name. */
struct proxy_answer socks5_read_reply(const void *bytes, size_t length, struct address *bound);

/* The head of a datagram on its way through the proxy (section 7), for a name or an address. */
void socks5_add_datagram_head(struct text *text, const char *name, const struct address *address,
			      uint16_t port);

/* Reads one that comes back. *from is AF_UNSPEC with a port when the proxy tells a name. False for what
 * is none, and for a fragment, which need not be understood. */
bool socks5_read_datagram(struct span datagram, struct address *from, struct span *payload);
