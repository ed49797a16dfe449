#include "daemon/policy/upstream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/name.h"
#include "daemon/text.h"

struct upstream *upstream_new(void)
{
	return calloc(1, sizeof(struct upstream));
}

void upstream_free(struct upstream *upstream)
{
	if (!upstream)
		return;
	free(upstream->name);
	free(upstream->host);
	free(upstream->verify_name);
	free(upstream->verify_ca);
	free(upstream->proxy_host);
	free(upstream->user);
	free(upstream->password);
	free(upstream);
}

int upstream_set_server(struct upstream *upstream, const char *text)
{
	char host[NAME_SIZE];
	uint16_t port;

	if (address_parse(&upstream->address, text) == 0)
		return 0;
	if (!name_authority(text, strlen(text), host, &port)) {
		errno = EINVAL;
		return -1;
	}
	if (address_parse(&upstream->address, host) == 0) {
		upstream->address.port = port;
		return 0;
	}
	upstream->host = strdup(host);
	upstream->port = port;
	return upstream->host ? 0 : -1;
}

static void print_server(const struct upstream *upstream, struct text *text)
{
	char address[ADDRESS_TEXT];

	if (upstream->host) {
		text_add(text, upstream->host);
		if (upstream->port)
			text_addf(text, ":%u", upstream->port);
	} else if (upstream->address.port) {
		text_addf(text, "\"%s\"", address_print_with_port(&upstream->address, address));
	} else {
		text_addf(text, "\"%s\"", address_print(&upstream->address, address));
	}
}

static void print_verify(const struct upstream *upstream, struct text *text)
{
	const char *comma = "";

	text_add(text, ", tls: { verify: { ");
	if (upstream->verify_ca) {
		text_add(text, "ca: ");
		text_add_json(text, upstream->verify_ca);
		comma = ", ";
	}
	if (upstream->verify_name)
		text_addf(text, "%sname: %s", comma, upstream->verify_name);
	text_add(text, " } }");
}

void upstream_print(const struct upstream *upstream, struct text *text)
{
	if (upstream->defined) {
		text_add(text, upstream->name);
		return;
	}
	text_add(text, "{ server: ");
	print_server(upstream, text);
	if (upstream->verify_ca || upstream->verify_name)
		print_verify(upstream, text);
	else if (upstream->tls != UPSTREAM_TLS_AS_CLIENT)
		text_addf(text, ", tls: %s", upstream->tls == UPSTREAM_TLS_ON ? "true" : "false");
	text_add(text, " }");
}
