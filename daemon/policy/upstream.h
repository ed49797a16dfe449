/* Where a rule sends traffic instead of its original destination. Constant after config.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/address.h"

struct text;

enum upstream_tls { UPSTREAM_TLS_AS_CLIENT, UPSTREAM_TLS_ON, UPSTREAM_TLS_OFF };
enum through { THROUGH_NOTHING, THROUGH_SOCKS5, THROUGH_HTTP };

struct upstream {
	char *name;   /* as defined under `upstreams`, or its own text for an inline one */
	bool defined; /* under `upstreams`; false: inline, inside a rule */
	char *host;   /* canonical name; NULL when address is given or the destination stays */
	struct address
		address; /* AF_UNSPEC when host is given; its port is the port to dial, 0: keep */
	uint16_t port;	 /* with host; 0: the original destination's */
	enum upstream_tls tls;
	char *verify_name; /* name to verify the server against; NULL: host, or the client's name */
	char *verify_ca;   /* PEM file of roots for this upstream alone; NULL: the policy's trust */
	const char *verify_ca_pem; /* its content; owned by the policy's sources */
	enum through through;	   /* not carried yet: always THROUGH_NOTHING */
	struct address proxy;	   /* of through */
	char *proxy_host;
	uint16_t proxy_port;
	char *user;
	char *password;
};

/* NULL when out of memory. */
struct upstream *upstream_new(void);

/* Frees it and all its strings; NULL is fine. */
void upstream_free(struct upstream *upstream);

/* Reads "name", "name:443", "192.0.2.1:443" or "[2001:db8::1]:443" into host or address. 0; -1 with
 * EINVAL when it is none of these, with ENOMEM when out of memory. */
int upstream_set_server(struct upstream *upstream, const char *text);

/* Adds it in the policy's language: its name, or for an inline one "{ server: …, tls: true }". */
void upstream_print(const struct upstream *upstream, struct text *text);
