/* The owner's policy, compiled: settings of the gateway and an ordered list of rules. Made by
 * config.h, constant afterwards, counted by holders: every connection holds the policy it started
 * under. */
#pragma once

#include "daemon/limits.h"
#include "daemon/name.h"
#include "daemon/policy/feed.h"
#include "daemon/policy/limits.h"
#include "daemon/policy/box.h"
#include "daemon/policy/list.h"
#include "daemon/policy/port.h"
#include "daemon/policy/rule.h"
#include "daemon/policy/source.h"

enum source_address { SOURCE_KEEP, SOURCE_OWN };
enum when_down { WHEN_DOWN_OPEN, WHEN_DOWN_CLOSED };
enum capture_method { CAPTURE_AUTO, CAPTURE_TPROXY, CAPTURE_REDIRECT };
enum lists_in { LISTS_IN_AUTO, LISTS_IN_BPF, LISTS_IN_NFT, LISTS_IN_DAEMON };

enum { PORT_NAME = 16, LAN_PORTS_MAX = 16, PORT_RANGES_MAX = 64 };

struct capture {
	size_t tcp_count;
	struct port_range tcp[PORT_RANGES_MAX]; /* sorted, disjoint */
	size_t udp_count;
	struct port_range udp[PORT_RANGES_MAX];
	enum capture_method method;
	bool always; /* every captured TCP connection goes through a worker, also where the kernel could
			decide alone */
	uint32_t mark; /* bits of the packet mark that are ours: value and mask; default 0x07000000
			*/
	uint32_t mark_mask;
	uint32_t table; /* routing table number */
	uint32_t list_mask; /* 8 bits of the packet mark, side by side, that carry what lists a packet's
			       far end is in from the look-up to the rules; default 0x00ff0000 */
};

struct journal_settings {
	enum { JOURNAL_TO_STDOUT, JOURNAL_TO_FILE, JOURNAL_TO_SYSLOG } to;
	char *file;
	uint64_t rotate; /* bytes; 0: never */
	unsigned keep;	 /* rotated files */
};

/* Where the traffic goes that rules with `capture` write down. */
struct trace_settings {
	char *directory; /* NULL: "traces" below the state directory */
	uint64_t rotate; /* bytes of one file; 0: never */
	unsigned keep;	 /* rotated files of a kind */
};

/* A name that the gateway's authority must not be able to sign. */
struct never {
	enum name_pattern_kind kind;
	char *name;
};

enum { NEVERS_MAX = 4096 };

struct authority_settings {
	char *directory; /* NULL: "authority" below the state directory */
	char *next;	 /* of the one that will succeed it; NULL: none */
	size_t never_count;
	struct never *never;
	size_t never_list_count;
	const struct list **never_lists; /* their names are added once they are compiled */
	struct place never_place;	 /* of the last of them */
};

enum { CONSOLE_LISTENS_MAX = 8, CONSOLE_NAMES_MAX = 8 };

struct console_listen {
	struct address address; /* with a port */
	bool local;		/* of the gateway itself: no port of it leads there */
};

/* Where the web page is. */
struct console_settings {
	bool tls; /* what is private is shown over TLS alone */
	size_t listen_count; /* 0: there is none */
	struct console_listen listens[CONSOLE_LISTENS_MAX];
	size_t port_count; /* 0: all of `lan` */
	char ports[LAN_PORTS_MAX][PORT_NAME];
	size_t name_count;
	char *names[CONSOLE_NAMES_MAX]; /* canonical */
};

struct policy {
	unsigned holders;
	unsigned generation;
	struct sources *sources; /* the texts it was made from, owned */
	size_t lan_count;
	char lan[LAN_PORTS_MAX][PORT_NAME];
	struct capture capture;
	enum source_address source;
	enum when_down when_down;
	enum lists_in lists_in;
	const char *trust_pem; /* concatenated roots of `trust`; NULL when no rule opens TLS */
	char *trust_joined;    /* its storage when there are several, else it lies in sources */
	struct journal_settings journal;
	struct trace_settings traces;
	struct limits limits;
	struct authority_settings authority;
	struct console_settings console;
	struct box box;
	size_t device_count;
	struct device *devices;
	size_t upstream_count;
	struct upstream **upstreams;
	size_t list_count;
	struct list **lists;
	struct list *countries; /* the file that `country XX` asks: no list itself; NULL */
	size_t feed_count;
	struct feed **feeds;
	struct compiled *compiled; /* what stands in them, owned; NULL: they are all empty */
	char *lists_trouble;	   /* why they are not what their files hold: nothing could be compiled; NULL */
	size_t rule_count;
	struct rule *rules;	/* slots 1 … rule_count */
	struct rule *otherwise; /* "no rule matched: pass" as a rule, slot 0 */
	bool opens_tls;		/* rule_opens_tls() of any rule: roots and authority are needed */
	bool speaks_tls;	/* that, or an upstream is behind an https proxy: roots are needed */
};

/* A policy with defaults, no rules and one holder. Takes over sources, also on failure. NULL when
 * out of memory. */
struct policy *policy_new(struct sources *sources);

/* Counted reference: hold returns its argument; release frees the policy with its last holder. */
struct policy *policy_hold(struct policy *policy);
void policy_release(struct policy *policy);

/* Puts compiled lists (or NULL) into force: the policy's lists get their numbers in it, and the names
 * of the lists under `never` become names. Takes over compiled, also on failure. Once, before the
 * policy is asked. 0; -1 with errno: E2BIG when `never` then holds more than NEVERS_MAX names. */
int policy_take_lists(struct policy *policy, struct compiled *compiled);

enum { SHADOWS_MAX = 4 };

/* What the judge says. With ask set, the first rule that could decide needs a later moment. */
struct decision {
	bool ask;
	enum moment wanted;	 /* when ask */
	const struct rule *rule; /* otherwise; never NULL: policy->otherwise when none matched */
	size_t shadow_count;	 /* shadow rules that would have decided before it; at most
				    SHADOWS_MAX are named */
	const struct rule *shadows[SHADOWS_MAX];
};

/* The judge: reads the rules from the top; the first that holds decides. The only rule engine of
 * the gateway. Pure: constant in, value out; allocates nothing itself (a `regex:` may, inside
 * libc). A shadow rule never decides and never asks. */
struct decision policy_decide(const struct policy *policy, const struct facts *facts);

/* True when a rule makes traces of any of these kinds (TRACE_… bits). */
bool policy_traces(const struct policy *policy, unsigned kinds);

/* True when a rule lets pass and its `log` asks for a line: then the journal also hears how much the kernel has
 * carried. */
bool policy_logs_passed(const struct policy *policy);

/* The device a client belongs to: the first that matches; NULL for none. */
const struct device *policy_device(const struct policy *policy, const struct address *client,
				   const uint8_t *mac);
