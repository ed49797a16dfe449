/* The public model as JSON: one end of a connection with all its members, as events, journal lines
 * and live answers carry it (docs/journal.md). Each function adds one member. Pure but for the
 * caller's text. */
#pragma once

#include "daemon/endpoint.h"
#include "daemon/policy/rule.h"
#include "daemon/text.h"

/* How much of a line is printed: a step is taken when the line before did not fit. */
enum detail {
	DETAIL_ALL,
	DETAIL_NO_HEADERS,
	DETAIL_NO_CIPHERS,	/* nor headers */
	DETAIL_NO_CERTIFICATES, /* nor ciphers, nor headers */
	DETAIL_COUNT,
};

struct client_model {
	const struct endpoint *endpoint;
	const uint8_t *mac; /* 6 bytes or NULL */
	const char *device; /* or NULL */
};

/* "client": the client's end. */
void model_add_client(struct text *text, const struct client_model *client, enum detail detail);

/* "server": the server's end; null when endpoint is NULL. */
void model_add_server(struct text *text, const struct endpoint *endpoint, enum detail detail);

/* "rule", "verdict", and what belongs to the verdict. rule may be NULL. */
void model_add_rule(struct text *text, const struct rule *rule);

/* "warnings": what is odd about the certificate that the server showed ("expired", "not-yet-valid",
 * "self-signed", "no-san"), judged by the time it was shown. endpoint may be NULL. */
void model_add_warnings(struct text *text, const struct endpoint *endpoint);
