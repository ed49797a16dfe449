#include "daemon/tunnel.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/text.h"
#include "daemon/through/connect.h"
#include "daemon/through/socks5.h"
#include "daemon/tls/origin.h"

struct tunnel {
	struct tunnel_settings settings;
	enum side_progress (*step)(struct tunnel *tunnel, struct side *side);
	void (*add_request)(const struct tunnel *tunnel, struct text *text); /* of SOCKS5 */
	struct address bound; /* in its reply */
	enum reason reason;
	const char *detail;
	size_t taken; /* bytes of an answer inside TLS */
	char answer[CONNECT_ANSWER_MAX];
};

static enum side_progress fail(struct tunnel *tunnel, enum reason reason, const char *detail)
{
	tunnel->reason = reason;
	tunnel->detail = detail;
	return SIDE_FAILED;
}

static bool has_credentials(const struct tunnel *tunnel)
{
	return tunnel->settings.proxy->user != NULL;
}

/* Looks at what has come of an answer, without taking it: what follows it is the server's. Returns
 * the length, 0 for nothing yet or -1 after fail(). */
static ssize_t look(struct tunnel *tunnel, struct side *side, char *bytes, size_t size)
{
	ssize_t got = side_peek(side, bytes, size);

	if (got > 0)
		return got;
	if (got < 0 && errno == EAGAIN)
		return 0;
	fail(tunnel, REASON_PROXY_BROKEN,
	     got == 0 ? "it closed without an answer" : "it reset without an answer");
	return -1;
}

/* Takes a whole yes, remembers a no. */
static enum side_progress heed(struct tunnel *tunnel, struct side *side,
			       const struct proxy_answer *answer)
{
	char taken[CONNECT_ANSWER_MAX];
	size_t left = answer->length;

	switch (answer->said) {
	case PROXY_MORE:
		return SIDE_WAIT;
	case PROXY_NO:
		return fail(tunnel, answer->reason, answer->detail);
	case PROXY_BROKEN:
		return fail(tunnel, REASON_PROXY_BROKEN, answer->detail);
	case PROXY_YES:
		break;
	}
	while (left) {
		ssize_t got = side_read(side, taken, left);

		if (got <= 0)
			return fail(tunnel, REASON_PROXY_BROKEN, "it took its answer back");
		left -= (size_t)got;
	}
	return SIDE_DONE;
}

static enum side_progress say(struct tunnel *tunnel, struct side *side, const struct text *text)
{
	if (text->full)
		return fail(tunnel, REASON_PROXY_BROKEN, "there is too much to say to it");
	if (side_send(side, text->bytes, text->length) == 0)
		return SIDE_DONE;
	return fail(tunnel, REASON_PROXY_BROKEN, "it reset without an answer");
}

/* SOCKS5 */

static enum side_progress read_reply(struct tunnel *tunnel, struct side *side)
{
	char bytes[SOCKS5_ANSWER_MAX];
	ssize_t length = look(tunnel, side, bytes, sizeof(bytes));
	struct proxy_answer answer;

	if (length <= 0)
		return length < 0 ? SIDE_FAILED : SIDE_WAIT;
	answer = socks5_read_reply(bytes, (size_t)length, &tunnel->bound);
	return heed(tunnel, side, &answer);
}

static void add_connect(const struct tunnel *tunnel, struct text *text)
{
	const struct tunnel_settings *settings = &tunnel->settings;

	socks5_add_request(text, settings->name, &settings->address, settings->address.port);
}

static void add_associate(const struct tunnel *tunnel, struct text *text)
{
	socks5_add_associate(text, tunnel->settings.proxy_address->family);
}

static enum side_progress send_request(struct tunnel *tunnel, struct side *side)
{
	char storage[SOCKS5_SAID_MAX + 1];
	struct text text;

	text_begin(&text, storage, sizeof(storage));
	tunnel->add_request(tunnel, &text);
	if (say(tunnel, side, &text) == SIDE_FAILED)
		return SIDE_FAILED;
	tunnel->step = read_reply;
	return read_reply(tunnel, side);
}

static enum side_progress read_credentials_answer(struct tunnel *tunnel, struct side *side)
{
	char bytes[2];
	ssize_t length = look(tunnel, side, bytes, sizeof(bytes));
	struct proxy_answer answer;
	enum side_progress progress;

	if (length <= 0)
		return length < 0 ? SIDE_FAILED : SIDE_WAIT;
	answer = socks5_read_credentials(bytes, (size_t)length);
	progress = heed(tunnel, side, &answer);
	return progress == SIDE_DONE ? send_request(tunnel, side) : progress;
}

static enum side_progress send_credentials(struct tunnel *tunnel, struct side *side)
{
	const struct proxy *proxy = tunnel->settings.proxy;
	char storage[SOCKS5_SAID_MAX + 1];
	struct text text;

	text_begin(&text, storage, sizeof(storage));
	socks5_add_credentials(&text, proxy->user, proxy->password);
	if (say(tunnel, side, &text) == SIDE_FAILED)
		return SIDE_FAILED;
	tunnel->step = read_credentials_answer;
	return read_credentials_answer(tunnel, side);
}

static enum side_progress read_method(struct tunnel *tunnel, struct side *side)
{
	char bytes[2];
	ssize_t length = look(tunnel, side, bytes, sizeof(bytes));
	enum socks5_method method = SOCKS5_FREE;
	struct proxy_answer answer;
	enum side_progress progress;

	if (length <= 0)
		return length < 0 ? SIDE_FAILED : SIDE_WAIT;
	answer = socks5_read_method(bytes, (size_t)length, has_credentials(tunnel), &method);
	progress = heed(tunnel, side, &answer);
	if (progress != SIDE_DONE)
		return progress;
	return method == SOCKS5_PASSWORD ? send_credentials(tunnel, side)
					 : send_request(tunnel, side);
}

static enum side_progress greet(struct tunnel *tunnel, struct side *side)
{
	char storage[SOCKS5_SAID_MAX + 1];
	struct text text;

	text_begin(&text, storage, sizeof(storage));
	socks5_add_greeting(&text, has_credentials(tunnel));
	if (say(tunnel, side, &text) == SIDE_FAILED)
		return SIDE_FAILED;
	tunnel->step = read_method;
	return read_method(tunnel, side);
}

/* HTTP */

/* A look inside TLS sees one record only, and an answer may come in several: it is taken byte by
 * byte. */
static enum side_progress read_inside(struct tunnel *tunnel, struct side *side)
{
	struct proxy_answer answer = { .said = PROXY_MORE };

	while (answer.said == PROXY_MORE) {
		char *next = &tunnel->answer[tunnel->taken];
		ssize_t got = side_read(side, next, 1);

		if (got < 0 && errno == EAGAIN)
			return SIDE_WAIT;
		if (got <= 0)
			return fail(tunnel, REASON_PROXY_BROKEN, "it closed without an answer");
		tunnel->taken++;
		if (*next == '\n' || tunnel->taken == sizeof(tunnel->answer))
			answer = connect_read_answer(tunnel->answer, tunnel->taken);
	}
	answer.length = 0;
	if (answer.said == PROXY_YES && side_nest(side) < 0)
		return fail(tunnel, REASON_NO_MEMORY, NULL);
	return heed(tunnel, side, &answer);
}

static enum side_progress read_connect_answer(struct tunnel *tunnel, struct side *side)
{
	char bytes[CONNECT_ANSWER_MAX];
	ssize_t length = look(tunnel, side, bytes, sizeof(bytes));
	struct proxy_answer answer;

	if (length <= 0)
		return length < 0 ? SIDE_FAILED : SIDE_WAIT;
	answer = connect_read_answer(bytes, (size_t)length);
	return heed(tunnel, side, &answer);
}

static enum side_progress send_connect(struct tunnel *tunnel, struct side *side)
{
	const struct tunnel_settings *settings = &tunnel->settings;
	const struct proxy *proxy = settings->proxy;
	char storage[CONNECT_REQUEST_MAX];
	struct text text;

	text_begin(&text, storage, sizeof(storage));
	connect_add_request(&text, settings->name, &settings->address, proxy->user,
			    proxy->password);
	if (say(tunnel, side, &text) == SIDE_FAILED)
		return SIDE_FAILED;
	tunnel->step = side->tls ? read_inside : read_connect_answer;
	return tunnel->step(tunnel, side);
}

/* TLS with an https proxy */

static enum side_progress secure(struct tunnel *tunnel, struct side *side)
{
	enum side_progress progress = side_handshake(side);
	const char *detail = NULL;
	enum reason reason;

	if (progress == SIDE_WAIT)
		return SIDE_WAIT;
	reason = origin_verdict(side->tls, &detail);
	if (reason != REASON_NONE)
		return fail(tunnel, reason, detail);
	if (progress == SIDE_FAILED)
		return fail(tunnel, REASON_TLS_SERVER_FAILED, "of the proxy");
	return send_connect(tunnel, side);
}

static enum side_progress begin_tls(struct tunnel *tunnel, struct side *side)
{
	const struct tunnel_settings *settings = &tunnel->settings;
	const struct origin origin = {
		.name = settings->proxy->station.host,
		.address = settings->proxy_address,
		.trust = settings->trust,
		.generation = settings->generation,
	};

	if (!settings->trust || !settings->tls ||
	    side_secure(side, origin_open(settings->tls, &origin)) < 0)
		return fail(tunnel, REASON_TLS_SERVER_FAILED,
			    "no TLS session with the proxy could be made");
	tunnel->step = secure;
	return secure(tunnel, side);
}

struct tunnel *tunnel_new(const struct tunnel_settings *settings)
{
	struct tunnel *tunnel = calloc(1, sizeof(*tunnel));

	if (!tunnel)
		return NULL;
	tunnel->settings = *settings;
	tunnel->add_request = add_connect;
	tunnel->step = settings->proxy->through == THROUGH_SOCKS5  ? greet
		       : settings->proxy->through == THROUGH_HTTPS ? begin_tls
								   : send_connect;
	return tunnel;
}

struct tunnel *tunnel_new_for_datagrams(const struct tunnel_settings *settings)
{
	struct tunnel *tunnel = tunnel_new(settings);

	if (tunnel)
		tunnel->add_request = add_associate;
	return tunnel;
}

const struct address *tunnel_relay(const struct tunnel *tunnel)
{
	return &tunnel->bound;
}

void tunnel_free(struct tunnel *tunnel)
{
	free(tunnel);
}

enum side_progress tunnel_turn(struct tunnel *tunnel, struct side *side)
{
	if (side_flush(side) < 0)
		return fail(tunnel, REASON_PROXY_BROKEN, "it reset without an answer");
	return tunnel->step(tunnel, side);
}

enum reason tunnel_failure(const struct tunnel *tunnel, const char **detail)
{
	*detail = tunnel->detail;
	return tunnel->reason;
}
