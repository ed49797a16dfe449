/* The naive twin of the judge: an interpreter that is slow, knows nothing of the judge's structures and is plainly
 * right. */
#pragma once

#include "daemon/policy/facts.h"

enum { RULES = 6, CONDITIONS = 3, ALTERNATIVES = 3 };

enum key {
	PORT,
	PROTOCOL,
	TIME,
	TLS_VERSION,
	STATUS,
	FROM,
	ADDRESS,
	METHOD,
	ALPN,
	HOST,
	CERTIFICATE,
	PATH,
	QUERY,
	HEADER,
	NOT,
	KEYS
};

struct twin_condition {
	enum key key;
	size_t count;
	const char *words[ALTERNATIVES];
	size_t nested_count;
	struct twin_condition *nested;
};

struct twin_rule {
	size_t count;
	struct twin_condition conditions[CONDITIONS];
	bool shadow;
};

/* The facts as the twin sees them: what is unknown is unknown, not an absent something. */
struct world {
	struct facts facts;
	const char *client;
	const char *destination;
	const char *alpn;
	const char *mark; /* the value of x-mark, or NULL */
	struct certificate_list *certificates;
};

/* The number of the rule that decides, from 1; 0 for none; or minus the moment that is asked for. *shadows: how many
 * shadow rules before it would have decided. */
int twin_decide(const struct twin_rule *rules, size_t count, const struct world *world,
		size_t *shadows);
