/* One rule: when it holds and what it does. Built by config.c, printed by itself, matched by
 * decision.c; constant after that. */
#pragma once

#include "daemon/policy/device.h"
#include "daemon/policy/facts.h"
#include "daemon/policy/place.h"
#include "daemon/policy/reply.h"
#include "daemon/policy/upstream.h"
#include "daemon/text.h"

enum verdict {
	VERDICT_PASS,
	VERDICT_INSPECT,
	VERDICT_BLOCK,
	VERDICT_ROUTE,
	VERDICT_REDIRECT, /* these two answer requests in the server's place */
	VERDICT_RESPOND,
};
enum block { BLOCK_RESET, BLOCK_DROP, BLOCK_PAGE, BLOCK_NXDOMAIN };
enum journal_level { JOURNAL_NONE, JOURNAL_CONNECTIONS, JOURNAL_EXCHANGES, JOURNAL_HEADERS };
enum on_invalid { ON_INVALID_REFUSE, ON_INVALID_MIRROR, ON_INVALID_ALLOW };
/* What `capture` writes down of the traffic; bits. */
enum trace_kind { TRACE_HAR = 1, TRACE_KEYLOG = 2, TRACE_PCAPNG = 4 };
enum pq_loss { PQ_LOSS_ALLOW, PQ_LOSS_PASS, PQ_LOSS_BLOCK };

/* What is done when a server asks for a client certificate, which cannot be passed on. */
enum client_certificate {
	CLIENT_CERTIFICATE_REFUSE,
	CLIENT_CERTIFICATE_PASS, /* its client speaks to it untouched */
	CLIENT_CERTIFICATE_NONE, /* it gets none and may be content */
	CLIENT_CERTIFICATE_FILE, /* it gets the rule's own */
};
enum { DNS_ANSWERS_MAX = 8 };

enum edit_kind { EDIT_SET, EDIT_ADD, EDIT_REMOVE };

/* One header edit of request-headers or response-headers, in the order written. */
struct edit {
	enum edit_kind kind;
	char *name;
	char *value; /* NULL for EDIT_REMOVE */
};

struct edits {
	size_t count;
	struct edit *edits;
};

struct list;

/* The conditions of a `when`: all must hold; none at all always hold (condition.h). */
struct condition;
struct when {
	size_t count;
	struct condition *conditions; /* cheapest first; the order does not change the meaning */
};

/* New connections of each device that may begin in a span of time; count 0: any number. */
struct rate {
	uint32_t count;
	enum rate_unit { RATE_SECOND, RATE_MINUTE, RATE_HOUR } unit;
};

struct rule {
	char *name; /* never NULL: "rule 3" when the owner gave none */
	struct place place;
	unsigned slot; /* index of its hit counter, below RULES_MAX */
	struct when when;
	enum verdict verdict;
	enum block block;
	const struct upstream *upstream; /* for VERDICT_ROUTE; owned by the policy */
	struct reply reply; /* for VERDICT_REDIRECT and VERDICT_RESPOND */
	enum journal_level log;
	bool logged; /* the owner wrote `log`: the journal must have a line of it, even where the kernel
			could decide */
	enum on_invalid on_invalid;
	enum pq_loss pq_loss;
	enum client_certificate client_certificate;
	const char *identity; /* PEM of that certificate and its key; owned by the policy's sources */
	int64_t learn_seconds; /* clients that keep refusing our certificate pass for so long; 0: never */
	bool wants_status; /* an origin that may be revoked, for all that is known, is refused */
	struct edits request_headers;
	struct edits response_headers;
	unsigned captures; /* TRACE_… bits */
	unsigned dns_strip; /* DNS_STRIP_… that the owner asks for; see rule_dns_strip() */
	size_t dns_answer_count; /* addresses that questions about the rule's names are answered with */
	struct address dns_answers[DNS_ANSWERS_MAX];
	bool shadow;
	bool cut;
	struct rate rate;
};

enum match { MATCH_NO, MATCH_YES, MATCH_UNKNOWN };

/* Whether every condition holds. UNKNOWN sets *wanted to the earliest moment that could tell:
 * before the hello is known that is always MOMENT_HELLO. Any condition that fails makes it NO,
 * whatever else is unknown. Pure. */
enum match rule_match(const struct rule *rule, const struct facts *facts, enum moment *wanted);

/* For `explain`: adds the first condition that fails or is unknown, printed in the policy's
 * language with the fact it met ("host: .ads.example, but the host is good.example"); nothing when
 * all hold. */
enum match rule_explain(const struct rule *rule, const struct facts *facts, enum moment *wanted,
			struct text *why);

/* What is taken out of the answers of DNS about names that this rule decides: what the owner asks for, and, where
 * the rule has to read what devices say, whatever would let them say it unread. */
unsigned rule_dns_strip(const struct rule *rule);

/* Adds the rule in the language it was written in, one line: an item of `rules` in YAML's flow
 * style. */
void rule_print(const struct rule *rule, struct text *text);

/* True for a rule that answers requests in the server's place: `redirect`, `respond`. */
bool rule_replies(const struct rule *rule);

/* True when the rule asks the list. */
bool rule_asks(const struct rule *rule, const struct list *list);

/* The latest moment that any of its conditions asks for. */
enum moment rule_moment(const struct rule *rule);

/* True when the gateway may have to speak TLS itself because of this rule: it inspects, asks for
 * facts inside TLS of connections that may be TLS, or reaches an upstream with TLS. */
bool rule_opens_tls(const struct rule *rule);

/* True when it takes datagrams where it routes to: through a SOCKS5 proxy, or, where its `when` speaks of udp, quic
 * or dns, to a server without TLS of ours. Datagrams of other rules that route are refused, and what can comes
 * back over TCP. */
bool rule_carries_datagrams(const struct rule *rule);

/* True when it does something beside its verdict that only a worker can do. */
bool rule_has_extras(const struct rule *rule);

/* Frees what the rule holds, not the rule itself. */
void rule_end(struct rule *rule);

/* The words of the policy file; static storage. */
const char *verdict_word(enum verdict verdict);
const char *block_word(enum block block);
const char *rate_word(enum rate_unit unit);

/* What is waited for, for people: "the request"; static storage. */
const char *moment_phrase(enum moment moment);
