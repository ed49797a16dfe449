/* Where a rule sends traffic instead of its original destination: to one of several servers, through a proxy,
 * or both. Constant after config.c; which server is fit is known to health.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/address.h"

struct text;

enum upstream_tls { UPSTREAM_TLS_AS_CLIENT, UPSTREAM_TLS_ON, UPSTREAM_TLS_OFF };
enum through { THROUGH_NOTHING, THROUGH_SOCKS5, THROUGH_HTTP, THROUGH_HTTPS };

enum {
	UPSTREAM_SERVERS_MAX = 8,
	CHECK_PATH_MAX = 256,
	STATION_TEXT = 264, /* a name, a colon, a port and a NUL fit */
};

/* One place to dial. */
struct station {
	char *host;		/* canonical name to resolve; NULL: address */
	struct address address; /* AF_UNSPEC with host; its port 0: the original destination's */
	uint16_t port;		/* with host; 0: the original destination's */
};

/* A proxy on the way. */
struct proxy {
	enum through through; /* THROUGH_NOTHING: there is none */
	struct station station; /* its port is never 0 */
	char *user;	      /* NULL: without credentials */
	char *password;	      /* a secret: it is printed nowhere */
};

struct upstream {
	char *name;   /* as defined under `upstreams`, or its own text for an inline one */
	bool defined; /* under `upstreams`; false: inline, inside a rule */
	size_t server_count; /* 0: the original destination, through the proxy */
	struct station servers[UPSTREAM_SERVERS_MAX]; /* the first that is fit is taken */
	uint64_t back_off; /* microseconds that a server which failed over and over is left alone */
	uint64_t check_every; /* microseconds between two checks of each server; 0: none is checked */
	char *check_path;     /* what to ask for; NULL: being reached is enough */
	enum upstream_tls tls;
	char *verify_name; /* name to verify the server against; NULL: host, or the client's name */
	char *verify_ca;   /* PEM file of roots for this upstream alone; NULL: the policy's trust */
	const char *verify_ca_pem; /* its content; owned by the policy's sources */
	struct proxy proxy;
};

/* NULL when out of memory. */
struct upstream *upstream_new(void);

/* Frees it and all its strings; NULL is fine. */
void upstream_free(struct upstream *upstream);

/* Reads "name", "name:443", "192.0.2.1:443" or "[2001:db8::1]:443". 0; -1 with EINVAL when it is none of
 * these, with ENOMEM when out of memory. */
int station_parse(struct station *station, const char *text);

/* Writes it as it is read, with this port where it has none of its own and port is not 0; returns text. */
char *station_print(const struct station *station, uint16_t port, char text[static STATION_TEXT]);

/* The port to dial: its own, else the original destination's. */
static inline uint16_t station_port(const struct station *station, uint16_t original)
{
	uint16_t port = station->host ? station->port : station->address.port;

	return port ? port : original;
}

/* Reads "socks5://[user[:password]@]host[:port]", "http://…" or "https://…" (RFC 3986; %XX in user and
 * password). 0; -1 with errno as above. */
int proxy_parse(struct proxy *proxy, const char *text);

/* "socks5", "http" or "https"; static storage. */
const char *through_word(enum through through);

/* Adds it in the policy's language: its name, or for an inline one "{ server: …, tls: true }". Never a
 * password. */
void upstream_print(const struct upstream *upstream, struct text *text);
