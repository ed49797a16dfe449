/* What the judge makes of a flow of datagrams, and what the journal is told of it. */
#pragma once

#include "daemon/carriage.h"

/* Asks with what is known of it: protocol, host, and of a QUIC hello (or NULL) the rest. learned: MOMENT_… beyond
 * the addresses. */
struct decision carriage_judge(const struct carriage *carriage, const struct policy *policy,
			       unsigned learned, const struct hello *hello);

/* The same for a question of DNS about a name ("": none). Counts the hits. */
const struct rule *carriage_judge_answer(const struct carriage *carriage, const char *name);
const struct rule *carriage_judge_question(const struct carriage *carriage, const char *name);

/* Counts the hits of a decision. */
void carriage_count(const struct carriage *carriage, const struct decision *decision);

/* Fills the view; pointers live as long as the carriage does. */
void carriage_view(const struct carriage *carriage, struct connection_view *view);

void carriage_event(const struct carriage *carriage, enum event_kind kind);

/* Writes the line of one that has ended, and counts it. */
void carriage_report(const struct carriage *carriage);
