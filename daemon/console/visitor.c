#include "daemon/console/visitor.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/console/answering.h"
#include "daemon/console/reception.h"
#include "daemon/console/securing.h"
#include "daemon/http/guard.h"
#include "daemon/log.h"

static struct log_limit guessing;

void visitor_free(struct visitor *visitor)
{
	answering_forget(visitor);
	securing_forget(visitor);
	evtimer_del(&visitor->late);
	h1_reader_end(&visitor->reader);
	head_end(&visitor->request);
	side_end(&visitor->side);
	free(visitor);
}

/* The last act of whatever was called by an event. */
static void settle(struct visitor *visitor)
{
	if (!visitor->broken)
		return;
	visitor->left(visitor->context, visitor);
	visitor_free(visitor);
}

void visitor_wait(struct visitor *visitor, int seconds)
{
	const struct timeval wait = { .tv_sec = seconds };

	evtimer_add(&visitor->late, &wait);
}

/* Requests */

static void begin_request(struct visitor *visitor)
{
	h1_reader_end(&visitor->reader);
	head_clear(&visitor->request);
	h1_reader_begin_request(&visitor->reader, &visitor->request);
	visitor->phase = VISITOR_READING;
	visitor->begun = false;
	visitor_wait(visitor, visitor->known ? REST_SECONDS : HEAD_SECONDS);
}

/* Reading */

/* Reads on where nothing is left of what was read. False: there is nothing more now. */
static bool fill(struct visitor *visitor)
{
	ssize_t got;

	if (visitor->input.length)
		return true;
	got = side_read(&visitor->side, visitor->bytes, sizeof(visitor->bytes));
	if (got < 0 && errno == EAGAIN)
		return false;
	if (got < 0)
		visitor->broken = true;
	if (got <= 0)
		return false;
	visitor->input = (struct span){ (const uint8_t *)visitor->bytes, (size_t)got };
	return true;
}

static void refuse_unreadable(struct visitor *visitor)
{
	enum h1_failure failure = visitor->reader.failure;

	if (failure == H1_MALFORMED || failure == H1_CUT_SHORT)
		answering_refuse(visitor, 400, "this is no request of HTTP/1");
	else
		answering_refuse(visitor, 431, "the request is too large");
}

/* A head that may mean two things is not served, and nobody sends the console a body. */
static bool take_head(struct visitor *visitor)
{
	struct head *request = &visitor->request;
	const char *detail = NULL;
	enum reason reason = guard_request(request, &detail);

	if (reason != REASON_NONE) {
		answering_refuse(visitor, 400, detail ? detail : "the request breaks HTTP's rules");
		return false;
	}
	visitor->stays = request->keep_alive;
	visitor->empty = strcmp(head_text(request, request->method), "HEAD") == 0;
	if (request->body == BODY_NONE || (request->body == BODY_LENGTH && !request->content_length))
		return true;
	answering_refuse(visitor, 413, "the console takes no bodies");
	return false;
}

static void say_guess(const struct visitor *visitor)
{
	char text[ADDRESS_TEXT];

	log_warning_limited(&guessing, "somebody at %s shows a wrong token",
			    address_print(&visitor->address, text));
}

static void receive(struct visitor *visitor)
{
	const struct hospitality *hospitality = visitor->hospitality;
	bool exposed = hospitality->tls && !visitor->side.tls;
	struct reception reception =
		exposed ? reception_judge_exposed(&visitor->request, hospitality->names)
			: reception_judge(&visitor->request, hospitality->digest, hospitality->names);

	visitor->resource = reception.resource;
	visitor->known |= reception.known;
	if (reception.wrong)
		say_guess(visitor);
	if (reception.resource)
		answering_begin(visitor);
	else
		answering_refuse(visitor, reception.status, reception.sentence);
}

/* True when the request is over, one way or the other. */
static bool read_request(struct visitor *visitor)
{
	struct span body;

	for (;;) {
		switch (h1_read(&visitor->reader, &visitor->input, &body)) {
		case H1_MORE:
			if (!fill(visitor)) {
				visitor->broken |= visitor->side.read_ended;
				return false;
			}
			if (!visitor->begun)
				visitor_wait(visitor, HEAD_SECONDS);
			visitor->begun = true;
			break;
		case H1_HEAD:
			if (!take_head(visitor))
				return true;
			break;
		case H1_END:
			receive(visitor);
			return true;
		default:
			refuse_unreadable(visitor);
			return true;
		}
	}
}

/* Who goes before the answer is complete needs no more of it; who only has nothing more to ask still does. */
static void look_out(struct visitor *visitor)
{
	fill(visitor);
	if (!visitor->side.read_ended)
		return;
	visitor->stays = false;
	visitor->broken |= visitor->resource && visitor->resource->endless;
}

static bool leave(struct visitor *visitor)
{
	visitor->input.length = 0;
	while (fill(visitor))
		visitor->input.length = 0;
	visitor->broken |= visitor->side.read_ended;
	return false;
}

/* What comes next, once all that was said so far is sent. True: there is more to do at once. */
static bool go_on(struct visitor *visitor)
{
	if (visitor->stays) {
		begin_request(visitor);
		return true;
	}
	if (side_shutdown(&visitor->side) < 0)
		visitor->broken = true;
	visitor->phase = VISITOR_LEAVING;
	visitor_wait(visitor, LEAVE_SECONDS);
	return true;
}

static bool secure(struct visitor *visitor)
{
	switch (securing_turn(visitor)) {
	case SECURING_WAIT:
		return false;
	case SECURING_DONE:
		begin_request(visitor);
		return true;
	default:
		visitor->broken = true;
		return false;
	}
}

static bool step(struct visitor *visitor)
{
	switch (visitor->phase) {
	case VISITOR_SECURING:
		return secure(visitor);
	case VISITOR_READING:
		return read_request(visitor);
	case VISITOR_ANSWERING:
		look_out(visitor);
		if (!side_pending(&visitor->side))
			answering_resume(visitor);
		return false;
	case VISITOR_SENDING:
		look_out(visitor);
		return !side_pending(&visitor->side) && go_on(visitor);
	case VISITOR_LEAVING:
		return leave(visitor);
	}
	return false;
}

void visitor_turn(struct visitor *visitor)
{
	if (side_flush(&visitor->side) < 0)
		visitor->broken = true;
	while (!visitor->broken && step(visitor))
		;
	settle(visitor);
}

static void wake(void *context)
{
	visitor_turn(context);
}

static void expire(evutil_socket_t nothing, short what, void *context)
{
	struct visitor *visitor = context;

	(void)nothing;
	(void)what;
	visitor->broken = true;
	settle(visitor);
}

static void note_address(struct visitor *visitor, int fd)
{
	struct sockaddr_storage name;
	socklen_t length = sizeof(name);

	if (getpeername(fd, (struct sockaddr *)&name, &length) == 0)
		address_from_socket(&visitor->address, (struct sockaddr *)&name);
}

struct visitor *visitor_new(const struct hospitality *hospitality, int fd,
			    void (*left)(void *context, struct visitor *visitor), void *context)
{
	struct visitor *visitor = calloc(1, sizeof(*visitor));

	if (!visitor) {
		close(fd);
		return NULL;
	}
	visitor->hospitality = hospitality;
	visitor->left = left;
	visitor->context = context;
	visitor->allowance.most = VISITOR_HEAD_MAX;
	note_address(visitor, fd);
	side_begin(&visitor->side, NULL);
	head_begin(&visitor->request, &visitor->allowance);
	evtimer_assign(&visitor->late, hospitality->base, expire, visitor);
	side_open(&visitor->side, fd);
	begin_request(visitor);
	if (hospitality->tls)
		visitor->phase = VISITOR_SECURING;
	if (side_watch(&visitor->side, hospitality->base, wake, visitor) == 0)
		return visitor;
	visitor_free(visitor);
	return NULL;
}
