/* What the control socket answers about bans: ban, unban, bans. */
#pragma once

#include <jansson.h>

struct control_answer;

void answer_ban(void *context, json_t *request, struct control_answer *answer);
void answer_unban(void *context, json_t *request, struct control_answer *answer);
void answer_bans(void *context, json_t *request, struct control_answer *answer);
