#include "daemon/policy/reply.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/text.h"

bool reply_upgrades(const struct reply *reply)
{
	return reply->location && reply->location_kind == LOCATION_SCHEME &&
	       strcmp(reply->location, "https") == 0;
}

void reply_print(const struct reply *reply, struct text *text)
{
	if (reply->location) {
		text_add(text, "{ redirect: { to: ");
		text_add_json(text, reply->location);
		text_addf(text, ", status: %u } }", reply->status);
		return;
	}
	text_addf(text, "{ respond: { status: %u", reply->status);
	if (reply->file) {
		text_add(text, ", body: ");
		text_add_json(text, reply->file);
		text_add(text, ", type: ");
		text_add_json(text, reply->type);
	}
	text_add(text, " } }");
}

void reply_end(struct reply *reply)
{
	free(reply->location);
	free(reply->file);
	free(reply->type);
}
