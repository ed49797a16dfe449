/* Random policies and connections (dice.h) in a world small enough that rules and facts meet often. */
#pragma once

#include "daemon/text.h"
#include "tests/unit/twin.h"

/* Makes from one to RULES rules and returns their number; free with chance_free_rules(). */
size_t chance_make_rules(struct twin_rule rules[static RULES]);
void chance_free_rules(struct twin_rule *rules, size_t count);

/* Writes them down as a policy. */
void chance_write_policy(struct text *text, const struct twin_rule *rules, size_t count);

/* A connection as it stands at some moment of its life. world->certificates is kept; the facts point into the world. */
void chance_make_world(struct world *world);
