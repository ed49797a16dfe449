#include "daemon/console/console.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/child.h"
#include "daemon/console/visitor.h"
#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/privilege.h"

enum { RETRY_SECONDS = 1, ACCEPTS_PER_TURN = 16 };

struct console {
	const struct console_process *process;
	struct event_base *base;
	struct hospitality hospitality;
	struct tickets tickets; /* its own: whoever takes it over reads nothing that a worker carries */
	struct event *end;
	struct event *gone; /* the supervisor has: its end of the pair is closed */
	struct event *retry; /* after accept() failed */
	struct event **acceptable;
	struct visitor *first; /* the one who came last */
	size_t visitors;
};

static void forget(void *context, struct visitor *visitor)
{
	struct console *console = context;
	struct visitor **link = &console->first;

	while (*link != visitor)
		link = &(*link)->next;
	*link = visitor->next;
	console->visitors--;
}

/* The one who came first of those who have not shown the token; address: of those from there alone. NULL. */
static struct visitor *find_stranger(const struct console *console, const struct address *address)
{
	struct visitor *oldest = NULL;

	for (struct visitor *each = console->first; each; each = each->next)
		if (!each->known && (!address || address_same_host(&each->address, address)))
			oldest = each;
	return oldest;
}

static size_t count_from(const struct console *console, const struct address *address)
{
	size_t count = 0;

	for (const struct visitor *each = console->first; each; each = each->next)
		count += address_same_host(&each->address, address);
	return count;
}

static void show_out(struct console *console, struct visitor *visitor)
{
	forget(console, visitor);
	visitor_free(visitor);
}

/* Whoever floods the door takes places only from strangers, first of all from itself. */
static void make_room(struct console *console, struct visitor *visitor)
{
	struct visitor *stranger = NULL;

	if (count_from(console, &visitor->address) > VISITORS_PER_ADDRESS)
		stranger = find_stranger(console, &visitor->address);
	else if (console->visitors > VISITORS_MAX)
		stranger = find_stranger(console, NULL);
	if (stranger)
		show_out(console, stranger);
	else if (console->visitors > VISITORS_MAX)
		show_out(console, visitor);
}

static void admit(struct console *console, int fd)
{
	struct visitor *visitor;

	if (console->hospitality.tls && tickets_turn(&console->tickets, clock_steady()))
		tls_context_rekey(console->hospitality.tls, console->tickets.keys);
	visitor = visitor_new(&console->hospitality, fd, forget, console);
	if (!visitor)
		return;
	visitor->next = console->first;
	console->first = visitor;
	console->visitors++;
	make_room(console, visitor);
}

static void rest(struct console *console)
{
	const struct timeval wait = { .tv_sec = RETRY_SECONDS };

	log_warning("accept: %s", strerror(errno));
	for (size_t i = 0; i < console->process->listener_count; i++)
		event_del(console->acceptable[i]);
	event_add(console->retry, &wait);
}

static void accept_visitors(evutil_socket_t listener, short what, void *context)
{
	struct console *console = context;

	(void)what;
	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			admit(console, fd);
			continue;
		}
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			rest(console);
		return;
	}
}

static void accept_again(evutil_socket_t nothing, short what, void *context)
{
	struct console *console = context;

	(void)nothing;
	(void)what;
	for (size_t i = 0; i < console->process->listener_count; i++)
		event_add(console->acceptable[i], NULL);
}

static void stop(evutil_socket_t signals, short what, void *context)
{
	struct console *console = context;

	(void)what;
	if (child_must_end(signals))
		event_base_loopbreak(console->base);
}

static void notice_end(evutil_socket_t nothing, short what, void *context)
{
	struct console *console = context;

	(void)nothing;
	(void)what;
	event_base_loopbreak(console->base);
}

static int listen_all(struct console *console)
{
	const struct console_process *process = console->process;

	console->acceptable = calloc(process->listener_count, sizeof(*console->acceptable));
	if (!console->acceptable)
		return -1;
	for (size_t i = 0; i < process->listener_count; i++) {
		console->acceptable[i] = event_new(console->base, process->listeners[i],
						   EV_READ | EV_PERSIST, accept_visitors, console);
		if (!console->acceptable[i] || event_add(console->acceptable[i], NULL) < 0)
			return -1;
	}
	return 0;
}

static int open_tls(struct console *console)
{
	struct hospitality *hospitality = &console->hospitality;
	const struct console_process *process = console->process;

	if (process->signer < 0)
		return 0;
	if (tickets_begin(&console->tickets, clock_steady()) < 0)
		return -1;
	hospitality->tls = tls_context_new(console->tickets.keys);
	if (hospitality->tls)
		hospitality->issuer = issuer_new(console->base, process->signer, hospitality->tls,
						 process->authority_pem);
	return hospitality->issuer ? 0 : -1;
}

static int open_all(struct console *console, int signals)
{
	const struct console_process *process = console->process;

	console->base = event_base_new();
	if (!console->base)
		return -1;
	console->hospitality = (struct hospitality){
		.base = console->base,
		.supervisor = process->supervisor,
		.recorder = process->recorder,
		.digest = process->digest,
		.names = process->names,
		.authority_pem = process->authority_pem,
	};
	console->end = event_new(console->base, signals, EV_READ | EV_PERSIST, stop, console);
	console->gone = event_new(console->base, process->supervisor, EV_READ, notice_end, console);
	console->retry = evtimer_new(console->base, accept_again, console);
	if (!console->end || !console->gone || !console->retry ||
	    event_add(console->end, NULL) < 0 || event_add(console->gone, NULL) < 0)
		return -1;
	return open_tls(console) < 0 ? -1 : listen_all(console);
}

void console_run(const struct console_process *process)
{
	static struct console console;
	int signals = child_open_signals();

	console.process = process;
	if (signals < 0 || child_become(process->account, 0) < 0 || open_all(&console, signals) < 0)
		log_fatal("the console cannot start: %s", strerror(errno));
	if (privilege_confine(ROLE_CONSOLE, NULL) < 0)
		log_fatal("the console cannot be confined");
	event_base_dispatch(console.base);
	while (console.first)
		show_out(&console, console.first);
	exit(EXIT_SUCCESS);
}
