#include "daemon/policy/upstream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/name.h"
#include "daemon/text.h"

enum { BACK_OFF_DEFAULT = 60 * 1000000 };

struct upstream *upstream_new(void)
{
	struct upstream *upstream = calloc(1, sizeof(*upstream));

	if (upstream)
		upstream->back_off = BACK_OFF_DEFAULT;
	return upstream;
}

void upstream_free(struct upstream *upstream)
{
	if (!upstream)
		return;
	free(upstream->name);
	for (size_t i = 0; i < UPSTREAM_SERVERS_MAX; i++)
		free(upstream->servers[i].host);
	free(upstream->verify_name);
	free(upstream->verify_ca);
	free(upstream->check_path);
	free(upstream->proxy.station.host);
	free(upstream->proxy.user);
	free(upstream->proxy.password);
	free(upstream);
}

int station_parse(struct station *station, const char *text)
{
	char host[NAME_SIZE];
	uint16_t port;

	if (address_parse(&station->address, text) == 0)
		return 0;
	if (!name_authority(text, strlen(text), host, &port)) {
		errno = EINVAL;
		return -1;
	}
	if (address_parse(&station->address, host) == 0) {
		station->address.port = port;
		return 0;
	}
	station->host = strdup(host);
	station->port = port;
	return station->host ? 0 : -1;
}

char *station_print(const struct station *station, uint16_t port, char text[static STATION_TEXT])
{
	struct address address = station->address;

	address.port = station_port(station, port);
	if (station->host && address.port)
		snprintf(text, STATION_TEXT, "%s:%u", station->host, address.port);
	else if (station->host)
		snprintf(text, STATION_TEXT, "%s", station->host);
	else if (address.port)
		address_print_with_port(&address, text);
	else
		address_print(&address, text);
	return text;
}

static void print_servers(const struct upstream *upstream, struct text *text)
{
	char station[STATION_TEXT];

	if (upstream->server_count == 0)
		return;
	text_add(text, upstream->server_count > 1 ? "servers: [" : "server: ");
	for (size_t i = 0; i < upstream->server_count; i++) {
		const struct station *server = &upstream->servers[i];
		bool quoted = !server->host;

		text_addf(text, "%s%s%s%s", i ? ", " : "", quoted ? "\"" : "",
			  station_print(server, 0, station), quoted ? "\"" : "");
	}
	text_add(text, upstream->server_count > 1 ? "]" : "");
}

static void print_proxy(const struct upstream *upstream, struct text *text)
{
	const struct proxy *proxy = &upstream->proxy;
	char station[STATION_TEXT];

	if (proxy->through == THROUGH_NOTHING)
		return;
	text_addf(text, "%sthrough: \"%s://%s%s\"", upstream->server_count ? ", " : "",
		  through_word(proxy->through), proxy->user ? "…@" : "",
		  station_print(&proxy->station, 0, station));
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
	text_add(text, "{ ");
	print_servers(upstream, text);
	print_proxy(upstream, text);
	if (upstream->verify_ca || upstream->verify_name)
		print_verify(upstream, text);
	else if (upstream->tls != UPSTREAM_TLS_AS_CLIENT)
		text_addf(text, ", tls: %s", upstream->tls == UPSTREAM_TLS_ON ? "true" : "false");
	text_add(text, " }");
}
