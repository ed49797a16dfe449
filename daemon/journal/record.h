/* What happened, as one line of JSON: events and the lines of the journal. Reads the public model,
 * owns nothing, allocates nothing. The schema is docs/journal.md. */
#pragma once

#include "daemon/endpoint.h"
#include "daemon/http/exchange.h"
#include "daemon/policy/policy.h"
#include "daemon/protocol.h"
#include "daemon/text.h"

#define EVENTS(EVENT)                                                                              \
	EVENT(CLIENT_CONNECTED, "client_connected")                                                \
	EVENT(CLIENT_DISCONNECTED, "client_disconnected")                                          \
	EVENT(SERVER_CONNECT, "server_connect")                                                    \
	EVENT(SERVER_CONNECTED, "server_connected")                                                \
	EVENT(SERVER_CONNECT_ERROR, "server_connect_error")                                        \
	EVENT(SERVER_DISCONNECTED, "server_disconnected")                                          \
	EVENT(TLS_CLIENTHELLO, "tls_clienthello")                                                  \
	EVENT(TLS_START_SERVER, "tls_start_server")                                                \
	EVENT(TLS_ESTABLISHED_SERVER, "tls_established_server")                                    \
	EVENT(TLS_FAILED_SERVER, "tls_failed_server")                                              \
	EVENT(TLS_START_CLIENT, "tls_start_client")                                                \
	EVENT(TLS_ESTABLISHED_CLIENT, "tls_established_client")                                    \
	EVENT(TLS_FAILED_CLIENT, "tls_failed_client")                                              \
	EVENT(REQUESTHEADERS, "requestheaders")                                                    \
	EVENT(REQUEST, "request")                                                                  \
	EVENT(RESPONSEHEADERS, "responseheaders")                                                  \
	EVENT(RESPONSE, "response")                                                                \
	EVENT(ERROR, "error")                                                                      \
	EVENT(WEBSOCKET_START, "websocket_start")                                                  \
	EVENT(WEBSOCKET_END, "websocket_end")                                                      \
	EVENT(UDP_START, "udp_start")                                                              \
	EVENT(UDP_END, "udp_end")                                                                  \
	EVENT(DNS_REQUEST, "dns_request")                                                          \
	EVENT(DNS_RESPONSE, "dns_response")

enum event_kind {
#define EVENT_ENUM(name, word) EVENT_##name,
	EVENTS(EVENT_ENUM)
#undef EVENT_ENUM
	EVENT_COUNT
};

/* One connection as the journal sees it; all pointers are the caller's. */
struct connection_view {
	uint64_t id;
	const struct endpoint *client;
	const struct endpoint *server; /* NULL: none was wanted yet */
	enum protocol protocol;
	const char *host;              /* the name it was judged by; NULL: none */
	const char *port_name;         /* of the gateway, or NULL */
	const uint8_t *mac;            /* 6 bytes or NULL */
	const char *device;            /* or NULL */
	const struct rule *rule;       /* NULL before the decision */
	size_t shadow_count;
	const struct rule *const *shadows;
	const char *stage;             /* of a live connection; NULL in the journal */
	const char *spared;            /* why it was passed although its rule opens; NULL */
	enum reason reason;            /* why it ended */
	uint64_t exchanges;            /* number of exchanges it carried */
	unsigned generation;           /* of the policy */
};

enum { RECORD_MAX = 65536 };

/* One event: {"event":"server_connected","time":…,"connection":…,"client":{…},"server":{…}}. exchange may
 * be NULL. */
void record_print_event(struct text *text, enum event_kind kind, const struct connection_view *view,
			const struct exchange *exchange);

/* The journal's line for a connection that has ended: {"type":"connection",…,"durations":{…}}; also the
 * answer for a live one (view->stage set). */
void record_print_connection(struct text *text, const struct connection_view *view);

/* The journal's line for an exchange that has ended; with_headers at log level `headers`. */
void record_print_exchange(struct text *text, const struct connection_view *view,
			   const struct exchange *exchange, bool with_headers);

/* What the kernel has carried of a connection that it let go of now. */
struct carried_view {
	uint64_t id;	      /* of the connection, whose line says `forwarded` */
	bool known;	      /* false: nobody has counted */
	uint64_t from_client; /* bytes with their IP headers */
	uint64_t to_client;
};

/* Its line: {"type":"carried",…,"bytes":{…}}. */
void record_print_carried(struct text *text, const struct carried_view *view);

/* The word of an event; static storage. */
const char *event_word(enum event_kind kind);
