#include "daemon/policy/console_reader.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/policy/scalar.h"

static bool is_loopback(const struct address *address)
{
	static const struct in6_addr loopback6 = IN6ADDR_LOOPBACK_INIT;

	return address->family == AF_INET ? address->bytes[0] == 127
					  : memcmp(&address->v6, &loopback6, sizeof(loopback6)) == 0;
}

static bool is_everywhere(const struct address *address)
{
	static const uint8_t zeros[16];

	return memcmp(address->bytes, zeros, address_width(address)) == 0;
}

static bool has_listen(const struct console_settings *console, const struct address *address)
{
	for (size_t i = 0; i < console->listen_count; i++)
		if (address_equal(&console->listens[i].address, address))
			return true;
	return false;
}

static void read_listen(struct reading *reading, const struct keyword *keyword, struct value value,
			void *target)
{
	struct console_settings *console = target;
	struct console_listen listen = { .local = false };

	if (address_parse_with_port(&listen.address, value_text(value)) < 0 ||
	    listen.address.port == 0) {
		keyword_mismatch(reading, keyword, value);
		return;
	}
	listen.local = is_loopback(&listen.address);
	if (is_everywhere(&listen.address))
		reading_error(reading, value,
			      "%s means every address, also the one that the internet sees; name the "
			      "gateway's address in the LAN",
			      value_text(value));
	else if (has_listen(console, &listen.address))
		reading_error(reading, value, "\"listen\" names %s twice; leave one of them out",
			      value_text(value));
	else if (console->listen_count == CONSOLE_LISTENS_MAX)
		reading_error(reading, value, "\"listen\" names more than %d addresses",
			      CONSOLE_LISTENS_MAX);
	else
		console->listens[console->listen_count++] = listen;
}

static void read_port(struct reading *reading, const struct keyword *keyword, struct value value,
		      void *target)
{
	struct console_settings *console = target;

	if (!scalar_is_port_name(value_text(value)))
		keyword_mismatch(reading, keyword, value);
	else if (console->port_count == LAN_PORTS_MAX)
		reading_error(reading, value, "\"port\" names more than %d ports", LAN_PORTS_MAX);
	else
		strcpy(console->ports[console->port_count++], value_text(value));
}

static void read_name(struct reading *reading, const struct keyword *keyword, struct value value,
		      void *target)
{
	struct console_settings *console = target;
	enum name_pattern_kind kind;
	char *name;

	if (!scalar_name(reading, keyword, value, &kind, &name))
		return;
	if (kind == NAME_EXACT && console->name_count < CONSOLE_NAMES_MAX) {
		console->names[console->name_count++] = name;
		return;
	}
	if (kind != NAME_EXACT)
		keyword_mismatch(reading, keyword, value);
	else
		reading_error(reading, value, "\"names\" holds more than %d names",
			      CONSOLE_NAMES_MAX);
	free(name);
}

static void read_tls(struct reading *reading, const struct keyword *keyword, struct value value,
		     void *target)
{
	struct console_settings *console = target;

	console->tls = keyword_boolean(reading, keyword, value);
}

static const struct keyword console_keywords[] = {
	{ "listen", FORM_TEXT | FORM_LIST,
	  "an address of the gateway with a port, such as 192.168.1.1:8090 or [fd00::1]:8090, or a "
	  "list of them",
	  .read = read_listen, .required = true },
	{ "port", FORM_TEXT | FORM_LIST,
	  "the port of the gateway by which it is reached, such as br-lan (all of \"lan\" if none is "
	  "named), or a list of them",
	  .read = read_port },
	{ "tls", FORM_BOOLEAN, "true (what is private is shown over TLS alone) or false",
	  .read = read_tls },
	{ "names", FORM_TEXT | FORM_LIST,
	  "a name by which browsers may call it, such as gateway.lan, or a list of them",
	  .read = read_name },
	{ 0 },
};

const struct grammar console_grammar = { "\"console\"", console_keywords };

void read_console(struct reading *reading, const struct keyword *keyword, struct value value,
		  void *target)
{
	struct policy *policy = target;

	grammar_read(reading, keyword->grammar, value, &policy->console);
}
