#include "daemon/supervisor/hosting.h"

#include <string.h>

#include "daemon/control/server.h"
#include "daemon/log.h"
#include "daemon/supervisor/answers.h"
#include "daemon/supervisor/supervision.h"

bool hosting_is_alike(const struct policy *a, const struct policy *b)
{
	const struct console_settings *one = &a->console, *other = &b->console;

	if (one->tls != other->tls || one->listen_count != other->listen_count ||
	    one->name_count != other->name_count)
		return false;
	for (size_t i = 0; i < one->listen_count; i++)
		if (!address_equal(&one->listens[i].address, &other->listens[i].address))
			return false;
	for (size_t i = 0; i < one->name_count; i++)
		if (strcmp(one->names[i], other->names[i]) != 0)
			return false;
	return true;
}

static void answer_questions(struct supervisor *supervisor)
{
	if (supervisor->console || !supervisor->policy->console.listen_count)
		return;
	supervisor->console =
		answers_open_console(supervisor, supervisor->children.questions[1]);
	if (!supervisor->console)
		log_error("out of memory: the console has no answers");
}

void hosting_follow(struct supervisor *supervisor, const struct policy *before)
{
	const struct policy *policy = supervisor->policy;
	struct console_door *door = &supervisor->console_door;
	bool changed = before && !hosting_is_alike(before, policy);

	supervisor->children.console_door = door;
	changed |= console_door_rekey(door, policy, supervisor->settings->state_directory);
	changed |= console_door_adjust(door, policy);
	answer_questions(supervisor);
	if (changed)
		children_follow_console(&supervisor->children);
}

void hosting_tick(struct supervisor *supervisor)
{
	if (supervisor->policy->console.listen_count &&
	    console_door_adjust(&supervisor->console_door, supervisor->policy))
		children_follow_console(&supervisor->children);
}

void hosting_end(struct supervisor *supervisor)
{
	control_server_free(supervisor->console);
	console_door_close(&supervisor->console_door);
}
