#include "daemon/supervisor/differences.h"

#include <jansson.h>
#include <string.h>

#include "daemon/control/server.h"
#include "daemon/log.h"
#include "daemon/supervisor/hosting.h"
#include "daemon/supervisor/supervision.h"

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_journal(const struct journal_settings *a, const struct journal_settings *b)
{
	return a->to == b->to && same_text(a->file, b->file) && a->rotate == b->rotate &&
	       a->keep == b->keep;
}

static bool same_traces(const struct policy *a, const struct policy *b)
{
	unsigned kinds = TRACE_HAR | TRACE_KEYLOG | TRACE_PCAPNG;

	return policy_traces(a, kinds) == policy_traces(b, kinds) &&
	       same_text(a->traces.directory, b->traces.directory) &&
	       a->traces.rotate == b->traces.rotate && a->traces.keep == b->traces.keep;
}

static bool same_never(const struct authority_settings *a, const struct authority_settings *b)
{
	if (a->never_count != b->never_count)
		return false;
	for (size_t i = 0; i < a->never_count; i++)
		if (!same_text(a->never[i].name, b->never[i].name))
			return false;
	return true;
}

/* Then the recorder keeps the journal's last lines. */
static bool has_console(const struct policy *policy)
{
	return policy->console.listen_count > 0;
}

void differences_follow(struct supervisor *supervisor, const struct policy *before)
{
	const struct policy *policy = supervisor->policy;
	struct children *children = &supervisor->children;

	if (!same_journal(&before->journal, &policy->journal) || !same_traces(before, policy) ||
	    has_console(before) != has_console(policy))
		child_replace(&children->recorder);
	if (!same_never(&before->authority, &policy->authority) ||
	    ((before->console.tls || policy->console.tls) && !hosting_is_alike(before, policy)))
		child_replace(&children->signer);
}

static void warn(struct control_answer *answer, const char *message)
{
	log_warning("%s", message);
	if (answer)
		control_answer_line(answer, json_pack("{s:s, s:s}", "severity", "warning",
						      "message", message));
}

void differences_warn(struct control_answer *answer, const struct policy *policy, const struct policy *before)
{
	if (!same_text(before->authority.directory, policy->authority.directory))
		warn(answer, "authority.directory is taken over at the next start");
	if (!same_text(before->authority.next, policy->authority.next))
		warn(answer, "authority.next is taken over at the next start");
	if (before->capture.method != policy->capture.method)
		warn(answer, "capture.method is taken over at the next start");
	if (before->lists_in != policy->lists_in)
		warn(answer, "lists-in is taken over at the next start");
}
