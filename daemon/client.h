/* The client's end: the device's socket, where it meant to go, and what it says first. */
#pragma once

#include "daemon/greeting.h"
#include "daemon/policy/device.h"
#include "daemon/side.h"

/* Room for looking at first bytes; one per worker, nothing stays in it between two calls. */
struct peek_room {
	uint8_t stream[HELLO_MAX];
	struct greeting_room greeting;
};

struct client {
	struct side side;
	const char *port_name;      /* the gateway's port it came in by; the worker's */
	bool mac_known;
	uint8_t mac[6];
	const struct device *device; /* the policy's; NULL */
	enum protocol protocol;     /* of the first bytes */
	enum protocol inner;        /* of the first bytes inside terminated TLS */
	char *host;                 /* name in the first bytes, for the journal; owned; NULL */
	char *question;             /* name that DNS asks for now; owned; NULL */
	uint16_t tls_version;       /* highest offered; 0: no TLS */
	bool post_quantum;          /* it offers keys that a quantum computer cannot find */
	uint8_t *alpn;              /* offered list in wire form; owned; NULL */
	size_t alpn_length;
	bool roomy;                 /* its socket wakes us only for more than has been peeked at */
};

enum client_peek {
	CLIENT_SILENT, /* not one byte yet */
	CLIENT_MORE,   /* a beginning */
	CLIENT_SPOKE,  /* protocol (or inner) and what belongs to it are set */
	CLIENT_LEFT,   /* end of stream before anything could be told */
	CLIENT_FAILED, /* *reason says why */
};

/* Takes over the accepted socket. peer and destination are copied; ids are the caller's to set. */
void client_begin(struct client *client, int fd, const struct address *peer,
		  const struct address *destination, struct allowance *allowance);

/* Looks at the first bytes and leaves them in the socket. Through terminated TLS it sets inner, else
 * protocol, host, ALPN and the endpoint's TLS facts. */
enum client_peek client_peek(struct client *client, struct peek_room *room, enum reason *reason);

/* What the beginning that waits in the socket (CLIENT_MORE) could still become: bits of protocol_candidates();
 * 0: nothing waits, or it has been recognised. */
unsigned client_candidates(struct client *client, struct peek_room *room);

/* True when its first bytes, outside any TLS, are HTTP of either version. */
bool client_speaks_http(const struct client *client);

/* The rest of a beginning (CLIENT_MORE) will not be peeked at, but read as it comes. */
void client_give_up_peeking(struct client *client);

/* Sends a fatal TLS alert in the clear (RFC 8446 section 6), for a client whose hello was not
 * answered. */
void client_alert(struct client *client, uint8_t description);

enum { ALERT_HANDSHAKE_FAILURE = 40, ALERT_ACCESS_DENIED = 49, ALERT_DECODE_ERROR = 50 };

/* Closes and frees what it owns. */
void client_end(struct client *client);
