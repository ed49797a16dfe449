#include "daemon/supervisor/console_door.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/supervisor/console_token.h"
#include "netfilter/socket.h"

/* Lists what the policy wants: every address at every port, as far as the port is there. */
static size_t list_wanted(const struct policy *policy,
			  struct console_listener wanted[static CONSOLE_LISTENERS_MAX])
{
	const struct console_settings *console = &policy->console;
	size_t port_count = console->port_count ? console->port_count : policy->lan_count;
	size_t count = 0;

	for (size_t i = 0; i < console->listen_count; i++) {
		const struct console_listen *listen = &console->listens[i];

		for (size_t j = 0; j < (listen->local ? 1 : port_count); j++) {
			struct console_listener *each = &wanted[count];
			const char *port = console->port_count ? console->ports[j] : policy->lan[j];

			*each = (struct console_listener){ .address = listen->address, .fd = -1 };
			if (!listen->local) {
				memcpy(each->port, port, PORT_NAME);
				each->index = if_nametoindex(port);
			}
			count += listen->local || each->index;
		}
	}
	return count;
}

static bool same(const struct console_listener *a, const struct console_listener *b)
{
	return address_equal(&a->address, &b->address) && a->index == b->index &&
	       strcmp(a->port, b->port) == 0;
}

static struct console_listener *find(struct console_listener *listeners, size_t count,
				     const struct console_listener *which)
{
	for (size_t i = 0; i < count; i++)
		if (same(&listeners[i], which))
			return &listeners[i];
	return NULL;
}

static void open_listener(struct console_door *door, struct console_listener *listener)
{
	char text[ADDRESS_TEXT];

	listener->fd = socket_listen_at(&listener->address, listener->port);
	if (listener->fd >= 0 || door->said)
		return;
	log_warning("the console cannot listen at %s%s%s: %s; it is tried again",
		    address_print_with_port(&listener->address, text), *listener->port ? " on " : "",
		    listener->port, strerror(errno));
	door->said = true;
}

bool console_door_adjust(struct console_door *door, const struct policy *policy)
{
	struct console_listener wanted[CONSOLE_LISTENERS_MAX];
	size_t count = list_wanted(policy, wanted), open = 0;
	bool changed = false;

	for (size_t i = 0; i < door->count; i++) {
		struct console_listener *each = &door->listeners[i];
		struct console_listener *kept = find(wanted, count, each);

		if (kept)
			kept->fd = each->fd;
		else
			close(each->fd);
		changed |= !kept;
	}
	for (size_t i = 0; i < count; i++) {
		if (wanted[i].fd < 0) {
			open_listener(door, &wanted[i]);
			changed |= wanted[i].fd >= 0;
		}
		if (wanted[i].fd >= 0)
			door->listeners[open++] = wanted[i];
	}
	door->count = open;
	door->said &= open < count;
	return changed;
}

bool console_door_rekey(struct console_door *door, const struct policy *policy,
			const char *state_directory)
{
	char token[CONSOLE_TOKEN_SIZE], digest[DIGEST_HEX_SIZE] = "";
	bool changed;

	if (policy->console.listen_count && console_token_read(state_directory, token) == 0)
		digest_hex(token, digest);
	explicit_bzero(token, sizeof(token));
	changed = strcmp(digest, door->digest) != 0;
	memcpy(door->digest, digest, sizeof(digest));
	return changed;
}

void console_door_close(struct console_door *door)
{
	for (size_t i = 0; i < door->count; i++)
		close(door->listeners[i].fd);
	door->count = 0;
}
