/* One key of a `when` with its alternatives: of several keys all must hold, of several alternatives
 * any. Known only to the files that read, match and print rules. */
#pragma once

#include "daemon/name.h"
#include "daemon/policy/list.h"
#include "daemon/policy/pattern.h"
#include "daemon/policy/port.h"
#include "daemon/policy/rule.h"
#include "daemon/policy/schedule.h"

/* In order of cost: rules are matched cheapest first. */
enum condition_kind {
	CONDITION_PORT,
	CONDITION_PROTOCOL,
	CONDITION_TIME,
	CONDITION_TLS_VERSION,
	CONDITION_STATUS,
	CONDITION_FROM,
	CONDITION_ADDRESS,
	CONDITION_METHOD,
	CONDITION_ALPN,
	CONDITION_HOST,
	CONDITION_CERTIFICATE,
	CONDITION_PATH,
	CONDITION_QUERY,
	CONDITION_FRONTING,
	CONDITION_HEADER,
	CONDITION_NOT,
	CONDITION_KINDS
};

enum alternative_kind {
	ALTERNATIVE_DEVICE,
	ALTERNATIVE_PREFIX,
	ALTERNATIVE_MAC,
	ALTERNATIVE_PORT_NAME,
	ALTERNATIVE_PRIVATE,
	ALTERNATIVE_RESOLVERS, /* public_resolvers.h */
	ALTERNATIVE_LIST,
	ALTERNATIVE_RANGE, /* of ports or of statuses */
	ALTERNATIVE_TRANSPORT,
	ALTERNATIVE_PROTOCOL,
	ALTERNATIVE_NAME,
	ALTERNATIVE_LITERAL, /* a host that is an address */
	ALTERNATIVE_NO_NAME,
	ALTERNATIVE_WORD, /* the text itself */
	ALTERNATIVE_VERSION,
	ALTERNATIVE_CERTIFICATE,
	ALTERNATIVE_CERTIFICATE_NAMES,
	ALTERNATIVE_PATTERN,
	ALTERNATIVE_SCHEDULE,
};

enum certificate_state {
	CERTIFICATE_EXPIRED,
	CERTIFICATE_NOT_YET_VALID,
	CERTIFICATE_SELF_SIGNED,
	CERTIFICATE_UNTRUSTED,
	CERTIFICATE_WRONG_HOST,
	CERTIFICATE_INVALID,
};

struct patterns {
	size_t count; /* 0: not asked */
	struct pattern *patterns;
};

struct certificate_names {
	struct patterns issuer;
	struct patterns subject;
	struct patterns san;
};

struct alternative {
	enum alternative_kind kind;
	char *text; /* as the owner wrote it, canonical where there is a canonical form */
	union {
		const struct device *device; /* owned by the policy */
		const struct list *list;     /* owned by the policy */
		struct prefix prefix;
		uint8_t mac[6];
		const char *port_name; /* inside text */
		struct port_range range;
		enum transport transport;
		enum protocol protocol;
		struct {
			enum name_pattern_kind kind;
			const char *name; /* inside text */
		} name;
		uint16_t version;
		enum certificate_state certificate;
		struct certificate_names *certificate_names;
		struct pattern pattern;
		struct schedule schedule;
	};
};

struct condition {
	enum condition_kind kind;
	char *header; /* the field's name, of CONDITION_HEADER */
	size_t count;
	struct alternative *alternatives;
	struct when nested; /* of CONDITION_NOT */
};

/* Whether all conditions hold; UNKNOWN adds the moments it lacks to *missing. Pure. */
enum match when_match(const struct when *when, const struct facts *facts, unsigned *missing);

/* The same for one condition. */
enum match condition_match(const struct condition *condition, const struct facts *facts,
			   unsigned *missing);

/* True when whatever makes `narrow` hold makes `wide` hold as well; false when that cannot be told.
 */
bool when_implies(const struct when *narrow, const struct when *wide);

/* The latest moment that any of the conditions asks for. */
enum moment when_moment(const struct when *when);

/* True when one of its conditions asks the list, also inside `not`. */
bool when_asks(const struct when *when, const struct list *list);

/* False when its `protocol` leaves out every connection with TLS. */
bool when_reaches_tls(const struct when *when);

/* Whether its `protocol` names udp, or what is carried by it: YES, NO (it names other things), or UNKNOWN: it has
 * none. */
enum match when_wants_datagrams(const struct when *when);

/* True when it can hold for TLS and asks for more than the hello shows: TLS must be opened to tell.
 */
bool when_reads_tls(const struct when *when);

/* The key of a condition in the policy file; static storage. */
const char *condition_word(enum condition_kind kind);

/* Adds "{ host: .ads.example, port: [80, 443] }", or one "host: .ads.example". */
void when_print(const struct when *when, struct text *text);
void condition_print(const struct condition *condition, struct text *text);

/* Adds what is known of the fact that the condition looks at: "the host is good.example". */
void condition_print_fact(const struct condition *condition, const struct facts *facts,
			  struct text *text);

/* Frees what they hold. */
void when_end(struct when *when);
void alternative_end(struct alternative *alternative);
