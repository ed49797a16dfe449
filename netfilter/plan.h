/* The kernel plan: the policy's rules as far as the kernel can carry them out, in their order. A rule that
 * the kernel can tell and whose verdict it can give is a verdict there; of every other rule the flows that
 * it could match go to a worker, where the judge has the whole rule; or to the packet door, where names are read
 * and the judge is asked, but nothing can be done beyond pass and block. Nothing left: the flow is forwarded.
 * So whatever the kernel decides by itself is what policy_decide() would have said. Pure. */
#pragma once

#include "netfilter/projection.h"

enum plan_action {
	PLAN_FORWARD, /* goes on in the kernel and never comes to us */
	PLAN_REFUSE,  /* answered by a reset, UDP by "port unreachable" */
	PLAN_DROP,
	PLAN_PROXY, /* to a worker */
	PLAN_WATCH, /* goes on in the kernel; its first packets visit the packet door */
	PLAN_COUNT, /* a shadow: counted, then the next rule is asked */
};

/* Why a rule needs a worker. */
enum plan_reason {
	PLAN_OF_KERNEL, /* it does not */
	PLAN_PATIENT,	/* a `pass` that is vague: asked only where a later rule would do otherwise */
	PLAN_VAGUE,	/* a condition cannot be told from a packet: projection.vague */
	PLAN_VERDICT,	/* inspect, route, a page, an answer by name, headers to edit */
	PLAN_LOGGED,	/* `log` asks for a line of the journal */
	PLAN_ALWAYS,	/* the owner wants every connection there */
	PLAN_EXCEPT,	/* a patient one before it may let these flows pass */
	PLAN_BUSY,	/* the packet door could tell, but a rule that these flows could meet needs a worker: `busy` */
	PLAN_BEHIND,	/* a rule before it needs all of the flows there: plan.gate */
	PLAN_SOURCE,	/* `source: own`: servers must not see the device's address */
};

struct step {
	const struct rule *rule; /* policy->otherwise for the last, and for PLAN_ALWAYS */
	enum plan_action action;
	enum plan_reason reason;
	struct projection projection; /* without terms: it matches nothing now */
};

struct plan {
	const struct policy *policy; /* must outlive the plan */
	struct arena arena;
	size_t count;	    /* of steps, in the order of the rules; `otherwise` is last and always holds */
	struct step *steps; /* at most four for a rule: PLAN_EXCEPT and its own, each with a PLAN_BUSY before it */
	struct projection patient; /* what the patient rules up to here could match */
	/* What holds for traffic that is not captured: rules that block a list of addresses, and the
	 * rules before them that let pass. The second for what others begin: its far end is the source. */
	size_t guard_count, outside_count;
	struct step *guard, *outside;
	const struct rule *gate; /* the first rule that sends all that reaches it to a worker or to the packet door;
				    NULL */
	bool gate_watches;	 /* to the packet door */
	bool packet_door;	 /* as in the view */
	/* SYNs visit the packet door, too: some rule could decide before a connection says anything, but
	 * not the kernel by itself; or the house is closed, and with nobody at the door not even a SYN goes out. */
	bool early;
	struct projection carried; /* the datagrams that a rule may have a worker carry; all others visit the packet
				      door */
	struct projection busy;	 /* what the rules that need a worker could match */
	const struct rule *busy_rule; /* the first of them */
};

/* Makes the plan of a policy as it is at a moment of the week. NULL when out of memory. */
struct plan *plan_new(const struct policy *policy, const struct kernel_view *view);

/* NULL is fine. */
void plan_free(struct plan *plan);

/* The step that decides about a captured flow, as the kernel would find it: never NULL, never a
 * PLAN_COUNT. Of the facts only the moment of addresses is looked at. */
const struct step *plan_find(const struct plan *plan, const struct facts *facts);

/* Whether any connection goes through a worker. */
bool plan_proxies(const struct plan *plan);

/* Whether any packet visits the packet door. */
bool plan_watches(const struct plan *plan);

/* Whether a flow is captured at all: its destination port is one of `capture`. */
bool plan_captures(const struct plan *plan, const struct facts *facts);

