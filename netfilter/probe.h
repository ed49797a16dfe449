/* The self-check before traffic is redirected: can this kernel do it, and does anything on this
 * machine stand in the way? Each finding is a sentence for the owner with the command that mends
 * it. */
#pragma once

#include <stdbool.h>

#include "daemon/policy/policy.h"
#include "netfilter/queue_rule.h"

enum finding_severity {
	FINDING_ERROR,	 /* capturing cannot work: do not redirect */
	FINDING_WARNING, /* something will not work as the owner may expect */
};

enum { FINDING_TEXT = 400, FINDINGS_MAX = 32 };

struct finding {
	enum finding_severity severity;
	char message[FINDING_TEXT];
};

struct probe {
	enum capture_method method; /* what to use; CAPTURE_AUTO when nothing works (then there is
				       an error among the findings) */
	enum queue_way queue; /* to the packet door; QUEUE_NOT_AT_ALL: names are read by workers alone */
	size_t count;
	struct finding findings[FINDINGS_MAX];
};

/* Looks at the kernel and the machine for this policy; changes nothing. Needs CAP_NET_ADMIN. Takes
 * some tens of milliseconds. */
void probe_run(struct probe *probe, const struct policy *policy);

/* True when an error is among the findings. */
bool probe_failed(const struct probe *probe);
