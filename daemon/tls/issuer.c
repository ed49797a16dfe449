#include "daemon/tls/issuer.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "daemon/clock.h"
#include "daemon/limits.h"
#include "daemon/log.h"
#include "daemon/tls/issue.h"
#include "daemon/tls/shelf.h"
#include "daemon/tls/x509.h"

enum {
	REPLIES_PER_TURN = 64,
	EARLY_SECONDS = 300, /* a leaf is asked for again so long before its end … */
	EARLY_PART = 10,     /* … or a tenth of its life, whichever is longer */
};

/* One question under way. */
struct question {
	struct question *next;
	struct issue_request request;
	uint8_t key[DIGEST_SIZE];
	int64_t asked; /* steady microseconds */
	int64_t sent;
	struct leaf_wait *waits;
};

/* One leaf on the shelf. */
struct kept {
	struct shelf_item item;
	struct leaf *leaf;
	int64_t due; /* seconds since 1970: time to ask for a new one */
};

struct issuer {
	struct tls_context *context;
	X509 *authority;
	int channel;
	struct event *readable;
	struct event *tick;
	struct shelf *shelf;
	struct question *questions;
	size_t question_count;
	uint64_t next_id;
};

struct leaf *leaf_hold(struct leaf *leaf)
{
	leaf->holders++;
	return leaf;
}

void leaf_release(struct leaf *leaf)
{
	if (!leaf || --leaf->holders > 0)
		return;
	X509_free(leaf->certificate);
	certificate_list_release(leaf->facts);
	free(leaf);
}

static void drop(struct shelf_item *item)
{
	struct kept *kept = (struct kept *)item;

	leaf_release(kept->leaf);
	free(kept);
}

static struct leaf *new_leaf(const struct issuer *issuer, const struct issue_reply *reply)
{
	const unsigned char *der = reply->leaf;
	struct leaf *leaf = calloc(1, sizeof(*leaf));

	if (!leaf)
		return NULL;
	leaf->holders = 1;
	leaf->key = issuer->context->leaf_key;
	leaf->authority = issuer->authority;
	leaf->certificate = d2i_X509(NULL, &der, reply->leaf_length);
	if (leaf->certificate &&
	    x509_validity(leaf->certificate, &leaf->not_before, &leaf->not_after) == 0)
		return leaf;
	ERR_clear_error();
	leaf_release(leaf);
	return NULL;
}

/* A leaf whose whole life is shorter than the margin is asked for again at half of it. */
static int64_t find_due(const struct leaf *leaf, int64_t now)
{
	int64_t early = (leaf->not_after - leaf->not_before) / EARLY_PART;

	if (early < EARLY_SECONDS)
		early = EARLY_SECONDS;
	if (leaf->not_after - early > now)
		return leaf->not_after - early;
	return now + (leaf->not_after - now) / 2;
}

static void keep(struct issuer *issuer, const uint8_t *key, struct leaf *leaf)
{
	struct shelf_item *before = shelf_find(issuer->shelf, key);
	struct kept *kept = calloc(1, sizeof(*kept));

	if (before) {
		shelf_remove(issuer->shelf, before);
		drop(before);
	}
	if (!kept)
		return;
	memcpy(kept->item.key, key, DIGEST_SIZE);
	kept->leaf = leaf_hold(leaf);
	kept->due = find_due(leaf, time(NULL));
	shelf_put(issuer->shelf, &kept->item);
}

static void take_off(struct issuer *issuer, struct question *question)
{
	struct question **place = &issuer->questions;

	while (*place != question)
		place = &(*place)->next;
	*place = question->next;
	if (--issuer->question_count == 0)
		event_del(issuer->tick);
}

/* A waiter's ready() may cancel other waits of the same question, or order anew. */
static void answer(struct issuer *issuer, struct question *question, struct leaf *leaf,
		   enum reason reason)
{
	struct leaf_wait *wait;

	take_off(issuer, question);
	while ((wait = question->waits)) {
		issuer_cancel(wait);
		wait->ready(wait, leaf ? leaf_hold(leaf) : NULL, reason);
	}
	free(question);
}

static void send_question(struct issuer *issuer, struct question *question)
{
	/* What the socket does not take now goes with a later tick. */
	if (send(issuer->channel, &question->request, sizeof(question->request),
		 MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof(question->request))
		question->sent = clock_steady();
}

static void on_tick(evutil_socket_t fd, short events, void *argument)
{
	struct issuer *issuer = argument;
	int64_t now = clock_steady();
	struct question **place = &issuer->questions;

	(void)fd, (void)events;
	while (*place) {
		struct question *question = *place;

		if (now - question->asked >= SIGNER_MILLISECONDS * 1000) {
			answer(issuer, question, NULL, REASON_SIGNER_UNAVAILABLE);
			place = &issuer->questions; /* the waiters may have changed the list */
			continue;
		}
		if (now - question->sent >= RESEND_MILLISECONDS * 1000)
			send_question(issuer, question);
		place = &question->next;
	}
}

static struct question *find_question(const struct issuer *issuer, uint64_t id)
{
	struct question *question = issuer->questions;

	while (question && question->request.id != id)
		question = question->next;
	return question;
}

static void take_leaf(struct issuer *issuer, struct question *question,
		      const struct issue_reply *reply)
{
	struct leaf *leaf = new_leaf(issuer, reply);

	if (!leaf) {
		answer(issuer, question, NULL, REASON_SIGNER_UNAVAILABLE);
		return;
	}
	keep(issuer, question->key, leaf);
	answer(issuer, question, leaf, REASON_NONE);
	leaf_release(leaf);
}

static void take_reply(struct issuer *issuer, const struct issue_reply *reply)
{
	struct question *question = find_question(issuer, reply->id);

	if (!question)
		return; /* answered already, given up, or a question of the worker before us */
	switch ((enum issue_answer)reply->answer) {
	case ISSUE_DONE:
		take_leaf(issuer, question, reply);
		break;
	case ISSUE_NEVER:
		answer(issuer, question, NULL, REASON_NAME_NEVER);
		break;
	case ISSUE_BUSY:
		break; /* asked again by a later tick */
	case ISSUE_BAD_REQUEST:
	case ISSUE_FAILED:
		answer(issuer, question, NULL, REASON_SIGNER_UNAVAILABLE);
		break;
	}
}

static void on_readable(evutil_socket_t fd, short events, void *argument)
{
	struct issuer *issuer = argument;
	struct issue_reply reply;

	(void)events;
	for (int i = 0; i < REPLIES_PER_TURN; i++) {
		ssize_t length = recv(fd, &reply, sizeof(reply), MSG_DONTWAIT | MSG_TRUNC);

		if (length < 0)
			return;
		if (length == 0) {
			log_error("the pair to the signer is closed for good");
			event_del(issuer->readable);
			return;
		}
		if (issue_reply_check(&reply, (size_t)length) == 0)
			take_reply(issuer, &reply);
	}
}

static X509 *parse_authority(const char *pem)
{
	BIO *memory = BIO_new_mem_buf(pem, -1);
	X509 *certificate = memory ? PEM_read_bio_X509(memory, NULL, NULL, NULL) : NULL;

	BIO_free(memory);
	return certificate;
}

struct issuer *issuer_new(struct event_base *base, int channel, struct tls_context *context,
			  const char *authority_pem)
{
	struct issuer *issuer = calloc(1, sizeof(*issuer));

	if (!issuer)
		return NULL;
	issuer->context = context;
	issuer->channel = channel;
	issuer->authority = parse_authority(authority_pem);
	issuer->shelf = shelf_new(LEAVES_MAX, drop);
	issuer->readable = event_new(base, channel, EV_READ | EV_PERSIST, on_readable, issuer);
	issuer->tick = event_new(base, -1, EV_PERSIST, on_tick, issuer);
	if (issuer->authority && issuer->shelf && issuer->readable && issuer->tick &&
	    RAND_bytes((unsigned char *)&issuer->next_id, sizeof(issuer->next_id)) == 1 &&
	    event_add(issuer->readable, NULL) == 0)
		return issuer;
	ERR_clear_error();
	issuer_free(issuer);
	return NULL;
}

void issuer_free(struct issuer *issuer)
{
	if (!issuer)
		return;
	while (issuer->questions) {
		struct question *question = issuer->questions;

		while (question->waits)
			issuer_cancel(question->waits);
		issuer->questions = question->next;
		free(question);
	}
	if (issuer->tick)
		event_free(issuer->tick);
	if (issuer->readable)
		event_free(issuer->readable);
	shelf_free(issuer->shelf);
	X509_free(issuer->authority);
	free(issuer);
}

static struct question *new_question(struct issuer *issuer, const struct leaf_order *order,
				     const uint8_t *key)
{
	const struct timeval period = { .tv_usec = TICK_MILLISECONDS * 1000 };
	const struct tls_context *context = issuer->context;
	struct question *question;

	if (issuer->question_count >= ISSUES_MAX || context->leaf_key_der_length > ISSUE_KEY_MAX ||
	    strlen(order->name) >= NAME_SIZE)
		return NULL;
	question = calloc(1, sizeof(*question));
	if (!question)
		return NULL;
	question->request.id = issuer->next_id++;
	question->request.not_before = order->not_before;
	question->request.not_after = order->not_after;
	question->request.key_length = (uint16_t)context->leaf_key_der_length;
	strcpy(question->request.name, order->name);
	memcpy(question->request.key, context->leaf_key_der, context->leaf_key_der_length);
	memcpy(question->key, key, DIGEST_SIZE);
	question->asked = clock_steady();
	question->next = issuer->questions;
	issuer->questions = question;
	if (issuer->question_count++ == 0)
		event_add(issuer->tick, &period);
	send_question(issuer, question);
	return question;
}

/* The question under way for key, or a new one; NULL when there are too many. */
static struct question *ask(struct issuer *issuer, const struct leaf_order *order,
			    const uint8_t *key)
{
	struct question *question = issuer->questions;

	while (question && memcmp(question->key, key, DIGEST_SIZE) != 0)
		question = question->next;
	return question ? question : new_question(issuer, order, key);
}

/* A leaf near its end still serves while the next one is being made. */
static struct leaf *find_leaf(struct issuer *issuer, const struct leaf_order *order,
			      const uint8_t *key)
{
	struct kept *kept = (struct kept *)shelf_find(issuer->shelf, key);
	int64_t now = time(NULL);

	if (!kept)
		return NULL;
	if (now < kept->leaf->not_before || now >= kept->leaf->not_after) {
		shelf_remove(issuer->shelf, &kept->item);
		drop(&kept->item);
		return NULL;
	}
	if (now >= kept->due)
		ask(issuer, order, key);
	return leaf_hold(kept->leaf);
}

static void link_wait(struct question *question, struct leaf_wait *wait)
{
	wait->next = question->waits;
	wait->link = &question->waits;
	if (wait->next)
		wait->next->link = &wait->next;
	question->waits = wait;
}

struct leaf *issuer_order(struct issuer *issuer, const struct leaf_order *order,
			  struct leaf_wait *wait, enum reason *reason)
{
	const struct span parts[] = {
		digest_string(order->name),
		digest_object(order->origin_digest, DIGEST_SIZE),
	};
	uint8_t key[DIGEST_SIZE];
	struct question *question;
	struct leaf *leaf;

	wait->link = NULL;
	*reason = REASON_NONE;
	if (digest_parts(parts, 2, key) < 0) {
		*reason = REASON_INTERNAL;
		return NULL;
	}
	leaf = find_leaf(issuer, order, key);
	if (leaf)
		return leaf;
	question = ask(issuer, order, key);
	if (question)
		link_wait(question, wait);
	else
		*reason = REASON_SIGNER_UNAVAILABLE;
	return NULL;
}

void issuer_cancel(struct leaf_wait *wait)
{
	if (!wait->link)
		return;
	*wait->link = wait->next;
	if (wait->next)
		wait->next->link = wait->link;
	wait->link = NULL;
	wait->next = NULL;
}

size_t issuer_cached(const struct issuer *issuer)
{
	return shelf_count(issuer->shelf);
}
