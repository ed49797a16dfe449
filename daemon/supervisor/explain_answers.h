/* What the control socket answers to `explain`: which rule would decide, and where. */
#pragma once

#include <jansson.h>

struct control_answer;

void answer_explain(void *context, json_t *request, struct control_answer *answer);
