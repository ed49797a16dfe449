#include "daemon/endpoint.h"

#include <stdlib.h>
#include <string.h>

/* Ids of dummies count down from the top, where no real one ever comes. */
static uint64_t next_dummy = UINT64_MAX;

static void make_dummy(struct endpoint *endpoint, const struct address *address)
{
	memset(endpoint, 0, sizeof *endpoint);
	endpoint->id = next_dummy--;
	endpoint->peer = *address;
	endpoint->address = *address;
	endpoint->local.family = address->family;
	endpoint->state = ENDPOINT_ACTIVE;
	endpoint->transport = TRANSPORT_TCP;
	endpoint->start = clock_now();
}

void client_make_dummy(struct endpoint *endpoint, const struct address *address)
{
	make_dummy(endpoint, address);
}

void server_make_dummy(struct endpoint *endpoint, const struct address *address)
{
	make_dummy(endpoint, address);
	endpoint->tcp_setup = endpoint->start;
}

bool endpoint_tls_established(const struct endpoint *endpoint)
{
	return instant_is_set(&endpoint->tls_setup);
}

char *endpoint_state_print(unsigned state, char text[static ENDPOINT_STATE_TEXT])
{
	text[0] = '\0';
	if (state == ENDPOINT_CLOSED)
		return strcpy(text, "CLOSED");
	if (state == ENDPOINT_ACTIVE)
		return strcpy(text, "ACTIVE");
	if (state & ENDPOINT_OPEN)
		strcat(text, "|OPEN");
	if (state & ENDPOINT_CAN_READ)
		strcat(text, "|CAN_READ");
	if (state & ENDPOINT_CAN_WRITE)
		strcat(text, "|CAN_WRITE");
	return memmove(text, text + 1, strlen(text));
}

struct tls_facts *endpoint_tls(struct endpoint *endpoint)
{
	if (!endpoint->tls_facts)
		endpoint->tls_facts = calloc(1, sizeof *endpoint->tls_facts);
	return endpoint->tls_facts;
}

void endpoint_fail(struct endpoint *endpoint, enum reason reason, const char *detail)
{
	if (endpoint->error != REASON_NONE)
		return;
	endpoint->error = reason;
	if (detail && *detail && reason != REASON_NONE)
		endpoint->error_detail = strndup(detail, ENDPOINT_DETAIL);
}

static void tls_facts_free(struct tls_facts *facts)
{
	if (!facts)
		return;
	offers_free(&facts->offers);
	certificate_list_release(facts->certificates);
	free(facts);
}

void endpoint_end(struct endpoint *endpoint)
{
	tls_facts_free(endpoint->tls_facts);
	free(endpoint->error_detail);
	free(endpoint->tried);
	memset(endpoint, 0, sizeof *endpoint);
}
