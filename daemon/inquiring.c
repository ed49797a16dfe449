#include "daemon/inquiring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/dns_answer.h"
#include "daemon/judgement.h"
#include "daemon/letter.h"
#include "daemon/stage.h"
#include "daemon/targeting.h"
#include "daemon/view.h"

enum { LETTERS_PER_TURN = 64, ANSWER_MAX = 600, HEAD = 2 };

struct inquiry {
	struct letter question; /* from the client */
	struct letter answer;   /* from the server */
	bool judged;            /* the question may go on, by connection->rule */
	bool asked;             /* nothing more comes from the client */
	bool answered;          /* nothing more comes from the server */
};

void inquiry_free(struct connection *connection)
{
	struct inquiry *inquiry = connection->inquiry;

	if (!inquiry)
		return;
	letter_end(&inquiry->question, &connection->allowance);
	letter_end(&inquiry->answer, &connection->allowance);
	free(inquiry);
	connection->inquiry = NULL;
}

enum step { STEP_MORE, STEP_WAIT, STEP_ENDED, STEP_AWAY, STEP_CLIENT_FAILED, STEP_SERVER_FAILED };

static bool has_server(const struct connection *connection)
{
	return connection->server.stage == SERVER_READY;
}

static void count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* Questions */

static void note_question(struct connection *connection, const struct dns_message *question)
{
	struct client *client = &connection->client;

	free(client->question);
	client->question = question->name[0] ? strdup(question->name) : NULL;
}

static enum step answer(struct connection *connection, const struct dns_message *question)
{
	uint8_t bytes[HEAD + ANSWER_MAX];
	size_t length = 0;

	if (question->question_end)
		length = dns_answer_print(connection->rule, question, bytes + HEAD, ANSWER_MAX);
	count(&connection->gateway->counters->reasons[REASON_BLOCKED]);
	if (!length)
		return STEP_MORE;
	bytes[0] = (uint8_t)(length >> 8);
	bytes[1] = (uint8_t)length;
	return side_send(&connection->client.side, bytes, HEAD + length) < 0 ? STEP_CLIENT_FAILED
									     : STEP_MORE;
}

/* The server that is there may not be the one that the question's rule wants. */
static bool goes_elsewhere(struct connection *connection)
{
	connection_target(connection, connection->rule, &connection->target);
	return !has_server(connection) || !server_is_for(&connection->server, &connection->target);
}

static enum step judge(struct connection *connection)
{
	struct inquiry *inquiry = connection->inquiry;
	struct dns_message question;
	struct decision decision;
	size_t length;
	const uint8_t *bytes = letter_message(&inquiry->question, &length);
	enum step step = STEP_MORE;

	if (!dns_parse(bytes, length, &question))
		question = (struct dns_message){ .name = "" };
	note_question(connection, &question);
	decision = connection_judge_question(connection);
	decision_count(connection, &decision);
	connection->rule = connection->counted = decision.rule;
	connection_note(connection, EVENT_DNS_REQUEST, NULL);
	switch (dns_answer_of(decision.rule)) {
	case DNS_FROM_SERVER:
		inquiry->judged = true;
		return STEP_MORE;
	case DNS_FROM_US:
		step = answer(connection, &question);
		break;
	case DNS_FROM_NOBODY:
		break;
	}
	letter_end(&inquiry->question, &connection->allowance);
	return step;
}

static enum step ask_server(struct connection *connection)
{
	struct inquiry *inquiry = connection->inquiry;
	struct side *server = &connection->server.side;

	if (goes_elsewhere(connection))
		return STEP_AWAY;
	if (side_pending(server))
		return STEP_WAIT;
	if (letter_send(&inquiry->question, server) < 0)
		return STEP_SERVER_FAILED;
	letter_end(&inquiry->question, &connection->allowance);
	inquiry->judged = false;
	return STEP_MORE;
}

/* Without a server there is nobody whose answers could be waited for. */
static enum step end_questions(struct connection *connection)
{
	struct inquiry *inquiry = connection->inquiry;

	inquiry->asked = true;
	if (!has_server(connection))
		inquiry->answered = true;
	else if (side_shutdown(&connection->server.side) < 0 && errno != ENOTCONN)
		return STEP_SERVER_FAILED;
	return STEP_ENDED;
}

static enum step question_step(struct connection *connection)
{
	struct inquiry *inquiry = connection->inquiry;
	struct side *client = &connection->client.side;

	if (inquiry->judged)
		return ask_server(connection);
	if (inquiry->asked)
		return STEP_ENDED;
	/* Our own answers go there. */
	if (side_pending(client))
		return STEP_WAIT;
	switch (letter_read(&inquiry->question, client, &connection->allowance)) {
	case LETTER_WHOLE:
		return judge(connection);
	case LETTER_WAIT:
		return STEP_WAIT;
	case LETTER_ENDED:
		return end_questions(connection);
	default:
		return STEP_CLIENT_FAILED;
	}
}

/* Answers */

/* False: it cannot go on. */
static bool read_answer(struct connection *connection)
{
	struct gateway *gateway = connection->gateway;
	size_t length;
	uint8_t *bytes = letter_message(&connection->inquiry->answer, &length);
	struct dns_message message;

	if (!dns_parse(bytes, length, &message) || !message.answer)
		return true;
	note_question(connection, &message);
	dns_answer_learn(gateway->sightings, &message, clock_steady() / 1000000);
	connection_note(connection, EVENT_DNS_RESPONSE, NULL);
	switch (dns_strip(bytes, length,
			  rule_dns_strip(connection_judge_question(connection).rule))) {
	case DNS_STRIPPED:
		count(&gateway->counters->dns_stripped);
		return true;
	case DNS_SIGNED:
		count(&gateway->counters->dns_signed);
		return true;
	case DNS_ENTANGLED:
		return false;
	default:
		return true;
	}
}

static enum step pass_answer(struct connection *connection)
{
	struct inquiry *inquiry = connection->inquiry;

	if (read_answer(connection) &&
	    letter_send(&inquiry->answer, &connection->client.side) < 0)
		return STEP_CLIENT_FAILED;
	letter_end(&inquiry->answer, &connection->allowance);
	return STEP_MORE;
}

static enum step end_answers(struct connection *connection)
{
	connection->inquiry->answered = true;
	if (side_shutdown(&connection->client.side) < 0 && errno != ENOTCONN)
		return STEP_CLIENT_FAILED;
	return STEP_ENDED;
}

static enum step answer_step(struct connection *connection)
{
	struct inquiry *inquiry = connection->inquiry;

	if (!has_server(connection))
		return STEP_WAIT;
	if (inquiry->answered)
		return STEP_ENDED;
	if (side_pending(&connection->client.side))
		return STEP_WAIT;
	switch (letter_read(&inquiry->answer, &connection->server.side, &connection->allowance)) {
	case LETTER_WHOLE:
		return pass_answer(connection);
	case LETTER_WAIT:
		return STEP_WAIT;
	case LETTER_ENDED:
		return end_answers(connection);
	default:
		return STEP_SERVER_FAILED;
	}
}

/* The stage */

static enum stage leave_failed(struct connection *connection, enum reason reason, struct side *side)
{
	endpoint_fail(&side->endpoint, errno == ENOMEM ? REASON_CONNECTION_MEMORY : reason,
		      strerror(errno));
	return connection_leave(connection, side->endpoint.error);
}

/* To the first server; to another one only by another connection. */
static enum stage go_there(struct connection *connection)
{
	return has_server(connection) ? connection_leave(connection, REASON_FINISHED)
				      : connection_proceed(connection);
}

static enum step steps(struct connection *connection, enum step (*one)(struct connection *connection))
{
	enum step step = STEP_MORE;

	for (int i = 0; step == STEP_MORE && i < LETTERS_PER_TURN; i++)
		step = one(connection);
	return step;
}

static enum step flush(struct connection *connection)
{
	if (side_flush(&connection->client.side) < 0)
		return STEP_CLIENT_FAILED;
	if (has_server(connection) && side_flush(&connection->server.side) < 0)
		return STEP_SERVER_FAILED;
	return STEP_MORE;
}

static enum stage conclude(struct connection *connection, enum step questions, enum step answers)
{
	const struct inquiry *inquiry = connection->inquiry;

	if (questions == STEP_CLIENT_FAILED || answers == STEP_CLIENT_FAILED)
		return leave_failed(connection, REASON_CLIENT_RESET, &connection->client.side);
	if (questions == STEP_SERVER_FAILED || answers == STEP_SERVER_FAILED)
		return leave_failed(connection, REASON_SERVER_RESET, &connection->server.side);
	if (questions == STEP_AWAY)
		return go_there(connection);
	if (inquiry->asked && inquiry->answered && !side_pending(&connection->client.side))
		return connection_leave(connection, REASON_FINISHED);
	if (questions == STEP_MORE || answers == STEP_MORE)
		gateway_again(connection->gateway, connection);
	return INQUIRING;
}

enum stage inquiring_turn(struct connection *connection)
{
	enum step answers, questions;

	if (!connection->inquiry)
		connection->inquiry = calloc(1, sizeof(*connection->inquiry));
	if (!connection->inquiry)
		return connection_leave(connection, REASON_NO_MEMORY);
	answers = flush(connection);
	if (answers == STEP_MORE)
		answers = steps(connection, answer_step);
	if (answers == STEP_CLIENT_FAILED || answers == STEP_SERVER_FAILED)
		return conclude(connection, STEP_WAIT, answers);
	questions = steps(connection, question_step);
	return conclude(connection, questions, answers);
}

void inquiring_late(struct connection *connection)
{
	const struct inquiry *inquiry = connection->inquiry;
	bool half = inquiry && inquiry->asked != inquiry->answered;
	enum limit allowed = half ? LIMIT_HALF_CLOSED : LIMIT_IDLE;
	int64_t until = connection->active + connection_limit(connection, allowed);

	if (until > clock_steady())
		connection_set_alarm(connection, until);
	else
		connection_close(connection, REASON_IDLE);
}
