/* The stages of a connection's life, one file each, and what all of them use (stage.c); connection.c holds their table
 * and drives them.
 * A turn goes as far as it can and returns the next stage; its own stage means: wait until a side
 * wakes or the time is over. late is called when the time is over. */
#pragma once

#include "daemon/connection.h"

/* peeking.c: what does the client say first, and if nothing, does the server? */
enum stage peeking_turn(struct connection *connection);
void peeking_late(struct connection *connection);

/* deciding.c: the judge says what to do, or what it must know first. */
enum stage deciding_turn(struct connection *connection);

/* connecting.c: the way to the server, and its TLS. */
enum stage connecting_turn(struct connection *connection);
enum stage securing_server_turn(struct connection *connection);
void connecting_late(struct connection *connection);

/* securing.c: the client's TLS, with a leaf of our authority. */
enum stage securing_client_turn(struct connection *connection);
void securing_client_late(struct connection *connection);

/* relaying.c: bytes go both ways untouched. */
enum stage relaying_turn(struct connection *connection);
void relaying_late(struct connection *connection);

/* inquiring.c: questions and answers of DNS, each read before it goes on. */
enum stage inquiring_turn(struct connection *connection);
void inquiring_late(struct connection *connection);

/* exchanging.c: requests are judged one by one. */
enum stage exchanging_turn(struct connection *connection);
void exchanging_late(struct connection *connection);

/* refusing.c: the client is told no in the way its protocol understands. */
enum stage refusing_turn(struct connection *connection);
void refusing_late(struct connection *connection);

/* The stage that comes next on the way to carrying bytes, as far as it is not done yet
 * (deciding.c). */
enum stage connection_proceed(struct connection *connection);

/* The stage that tells the client no: by a reset at once, else REFUSING (refusing.c). */
enum stage connection_refuse(struct connection *connection, enum reason reason,
			     enum refusal refusal);

/* The same after a failure: a client whose hello is still unanswered can be told by an alert; any
 * other by a reset. */
enum stage connection_refuse_failure(struct connection *connection, enum reason reason);

/* ENDED, with the reason noted if it is the first. */
enum stage connection_leave(struct connection *connection, enum reason reason);

/* Takes another way than the stage's own turn, from a timer or an answer. May free the connection.
 */
void connection_divert(struct connection *connection, enum stage stage);

/* The name of a stage; static storage. */
const char *stage_word(enum stage stage);

/* A limit of the policy it lives under, in microseconds or whatever its unit is. */
int64_t connection_limit(const struct connection *connection, enum limit limit);

/* Has the stage's late function called at this moment, in steady microseconds, instead of the one
 * before. */
void connection_set_alarm(struct connection *connection, int64_t when);
