/* What the control socket answers about devices. */
#pragma once

#include <jansson.h>

struct control_answer;

void answer_devices(void *context, json_t *request, struct control_answer *answer);
