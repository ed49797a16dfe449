#include "daemon/journal/model.h"

#include <string.h>

#include "daemon/journal/member.h"

static void add_host_and_port(struct text *text, const char *host, uint16_t port)
{
	text_add_char(text, '[');
	text_add_json(text, host);
	text_addf(text, ",%u]", port);
}

static void add_address(struct text *text, const char *name, const struct address *address)
{
	char literal[ADDRESS_TEXT];

	member_add(text, name);
	if (address->family == AF_UNSPEC)
		text_add(text, "null");
	else
		add_host_and_port(text, address_print(address, literal), address->port);
}

/* The array is JSON text made elsewhere in one piece; a piece without its end is not repeated. */
static void add_array(struct text *text, const char *name, const char *array)
{
	size_t length = array ? strlen(array) : 0;
	bool whole = length >= 2 && array[0] == '[' && array[length - 1] == ']';

	member_add(text, name);
	text_add(text, whole ? array : "null");
}

/* The second in which the chain was shown, or should have been. */
static int64_t moment_of(const struct endpoint *endpoint)
{
	const struct instant *moment = &endpoint->start;

	if (instant_is_set(&endpoint->tcp_setup))
		moment = &endpoint->tcp_setup;
	if (instant_is_set(&endpoint->tls_setup))
		moment = &endpoint->tls_setup;
	return moment->wall / 1000000;
}

static const struct certificate_list *chain_of(const struct endpoint *endpoint)
{
	return endpoint && endpoint->tls_facts ? endpoint->tls_facts->certificates : NULL;
}

static const struct certificate *leaf_of(const struct endpoint *endpoint)
{
	const struct certificate_list *list = chain_of(endpoint);

	return list && list->count ? &list->certificates[0] : NULL;
}

static void print_certificate(struct text *text, const struct certificate *certificate, int64_t now)
{
	text_add_char(text, '{');
	member_add_string(text, "subject", certificate->subject);
	member_add_string(text, "issuer", certificate->issuer);
	member_add_string(text, "serial", certificate->serial);
	member_add_string(text, "names", certificate->names);
	member_add_string(text, "key_type", certificate->key_type);
	member_add_count(text, "key_bits", certificate->key_bits);
	member_add_number(text, "not_before", certificate->not_before);
	member_add_number(text, "not_after", certificate->not_after);
	text_add(text, ",\"sha256\":\"");
	text_add_hex(text, certificate->sha256, sizeof certificate->sha256);
	text_add_char(text, '"');
	member_add_bool(text, "expired", certificate_expired(certificate, now));
	member_add_bool(text, "not_yet_valid", certificate_not_yet_valid(certificate, now));
	member_add_bool(text, "self_signed", certificate->self_signed);
	text_add_char(text, '}');
}

static void add_certificate_list(struct text *text, const struct endpoint *endpoint)
{
	const struct certificate_list *list = chain_of(endpoint);

	member_add(text, "certificate_list");
	text_add_char(text, '[');
	for (size_t i = 0; list && i < list->count; i++) {
		if (i)
			text_add_char(text, ',');
		print_certificate(text, &list->certificates[i], moment_of(endpoint));
	}
	text_add_char(text, ']');
}

/* The leaf that we showed the client. */
static void add_mitmcert(struct text *text, const struct endpoint *client)
{
	const struct certificate *leaf = leaf_of(client);

	member_add(text, "mitmcert");
	if (leaf)
		print_certificate(text, leaf, moment_of(client));
	else
		text_add(text, "null");
}

static void add_tls_facts(struct text *text, const struct tls_facts *facts, enum detail detail)
{
	static const struct tls_facts nothing;

	if (!facts)
		facts = &nothing;
	member_add_word(text, "sni", facts->sni);
	member_add_word(text, "alpn", facts->alpn);
	member_add(text, "alpn_offers");
	offers_print_protocols(&facts->offers, text);
	member_add_word(text, "tls_version", facts->version);
	member_add_word(text, "cipher", facts->cipher);
	if (detail < DETAIL_NO_CIPHERS) {
		member_add(text, "cipher_list");
		offers_print_ciphers(&facts->offers, text);
	}
	member_add_bool(text, "tls_resumed", facts->resumed);
}

static void add_state(struct text *text, const struct endpoint *endpoint)
{
	char state[ENDPOINT_STATE_TEXT];
	bool udp = endpoint->transport == TRANSPORT_UDP;

	member_add_string(text, "state", endpoint_state_print(endpoint->state, state));
	member_add_string(text, "transport_protocol", udp ? "udp" : "tcp");
	member_add_error(text, "error", endpoint->error, endpoint->error_detail);
	member_add_bool(text, "tls", endpoint->tls);
	member_add_bool(text, "tls_established", endpoint_tls_established(endpoint));
}

static void begin_end(struct text *text, const char *name, uint64_t id)
{
	member_add(text, name);
	text_add_char(text, '{');
	member_add_id(text, "id", id);
}

void model_add_client(struct text *text, const struct client_model *client, enum detail detail)
{
	const struct endpoint *endpoint = client->endpoint;
	const struct tls_facts *facts = endpoint->tls_facts;
	char mac[MAC_TEXT];

	begin_end(text, "client", endpoint->id);
	add_address(text, "address", &endpoint->address);
	add_address(text, "peername", &endpoint->peer);
	add_address(text, "sockname", &endpoint->local);
	member_add_string(text, "mac", client->mac ? mac_print(client->mac, mac) : NULL);
	member_add_string(text, "device", client->device);
	add_state(text, endpoint);
	add_tls_facts(text, facts, detail);
	member_add_word(text, "ja4", facts ? facts->ja4 : NULL);
	if (detail < DETAIL_NO_CERTIFICATES) {
		member_add(text, "certificate_list"); /* clients are never asked for one */
		text_add(text, "[]");
		add_mitmcert(text, endpoint);
	}
	member_add_time(text, "timestamp_start", &endpoint->start);
	member_add_time(text, "timestamp_tls_setup", &endpoint->tls_setup);
	member_add_time(text, "timestamp_end", &endpoint->end);
	text_add_char(text, '}');
}

/* The address wanted: a name where a rule routed it by name. */
static void add_wanted(struct text *text, const struct endpoint *server)
{
	if (!server->host) {
		add_address(text, "address", &server->address);
		return;
	}
	member_add(text, "address");
	add_host_and_port(text, server->host, server->address.port);
}

/* ["socks5", [host, port]]; user and password stay where they are. */
static void add_via(struct text *text, const struct proxy *proxy)
{
	char literal[ADDRESS_TEXT];

	member_add(text, "via");
	if (!proxy) {
		text_add(text, "null");
		return;
	}
	text_addf(text, "[\"%s\",", through_word(proxy->through));
	add_host_and_port(text,
			  proxy->station.host ? proxy->station.host
					      : address_print(&proxy->station.address, literal),
			  station_port(&proxy->station, 0));
	text_add_char(text, ']');
}

void model_add_server(struct text *text, const struct endpoint *endpoint, enum detail detail)
{
	if (!endpoint) {
		member_add_string(text, "server", NULL);
		return;
	}
	begin_end(text, "server", endpoint->id);
	add_wanted(text, endpoint);
	member_add_string(text, "host", endpoint->host);
	add_via(text, endpoint->via);
	add_array(text, "tried", endpoint->tried);
	member_add_bool(text, "reused", endpoint->reused);
	add_address(text, "peername", &endpoint->peer);
	add_address(text, "sockname", &endpoint->local);
	add_state(text, endpoint);
	add_tls_facts(text, endpoint->tls_facts, detail);
	if (detail < DETAIL_NO_CERTIFICATES)
		add_certificate_list(text, endpoint);
	member_add_time(text, "timestamp_start", &endpoint->start);
	member_add_time(text, "timestamp_tcp_setup", &endpoint->tcp_setup);
	member_add_time(text, "timestamp_tls_setup", &endpoint->tls_setup);
	member_add_time(text, "timestamp_end", &endpoint->end);
	text_add_char(text, '}');
}

void model_add_rule(struct text *text, const struct rule *rule)
{
	member_add_string(text, "rule", rule ? rule->name : NULL);
	member_add_string(text, "verdict", rule ? verdict_word(rule->verdict) : NULL);
	if (rule && rule->verdict == VERDICT_BLOCK)
		member_add_string(text, "block", block_word(rule->block));
	if (rule && rule->upstream)
		member_add_string(text, "upstream", rule->upstream->name);
}

static void add_warning(struct text *text, bool holds, const char *word)
{
	if (!holds)
		return;
	if (text->bytes[text->length - 1] != '[')
		text_add_char(text, ',');
	text_add_json(text, word);
}

void model_add_warnings(struct text *text, const struct endpoint *endpoint)
{
	const struct certificate *leaf = leaf_of(endpoint);
	int64_t now = leaf ? moment_of(endpoint) : 0;

	member_add(text, "warnings");
	text_add_char(text, '[');
	if (leaf) {
		add_warning(text, certificate_expired(leaf, now), "expired");
		add_warning(text, certificate_not_yet_valid(leaf, now), "not-yet-valid");
		add_warning(text, leaf->self_signed, "self-signed");
		add_warning(text, !leaf->names || !*leaf->names, "no-san");
	}
	text_add_char(text, ']');
}
