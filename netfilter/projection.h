/* What nft can test of a rule's `when`: its kernel projection. A flow that the rule could match always
 * lies inside; where every condition can be tested the projection is exact, else it is too wide, never
 * too narrow. Written as alternatives ("terms") of tests that must all hold, as nft rules are. Pure. */
#pragma once

#include "daemon/arena.h"
#include "daemon/policy/condition.h"
#include "daemon/policy/policy.h"

enum test_kind {
	TEST_TRANSPORT,
	TEST_PORT,  /* of the destination */
	TEST_LAN,   /* the gateway's port it came in by */
	TEST_MAC,   /* of the frame */
	TEST_FROM4, /* the client's address; also says that the packet is IPv4 */
	TEST_FROM6,
	TEST_TO4, /* the destination's */
	TEST_TO6,
	TEST_LIST, /* the destination is in one of the lists */
};

/* One fact against a set. A negated test of an address holds for packets of the other family, too. */
struct test {
	enum test_kind kind;
	bool negated;
	size_t count;
	union {
		enum transport transport;
		const struct port_range *ports; /* sorted, disjoint */
		const char *const *lan;
		const uint8_t (*macs)[6];
		const struct prefix *prefixes; /* none within another */
		const struct list *const *lists;
	};
};

enum { TESTS_MAX = 12, TERMS_MAX = 32 };

struct term {
	size_t count; /* 0: always holds */
	struct test tests[TESTS_MAX];
};

struct projection {
	bool exact;
	bool early; /* not exact, although addresses and ports alone would tell: what the judge could
		       say of a packet without a payload, the kernel cannot */
	const struct condition *vague; /* when not exact: the first condition that the kernel cannot
					  tell; NULL: it is too long for the kernel */
	size_t count;		       /* 0: never holds */
	struct term *terms;
};

/* What else decides how far the kernel can tell. */
struct kernel_view {
	struct week_time now; /* times are looked at here, not in the kernel: whoever prints the table prints
				 it again when a window opens or closes */
	bool lists;	      /* lists of addresses are in the kernel */
	bool packet_door;     /* the kernel has a queue, and somebody looks at what waits there */
	bool datagrams;	      /* workers have a door for datagrams */
};

/* Everything lives in the arena and in the policy. An exhausted arena gives a projection that must not
 * be used. */
struct projection projection_make(struct arena *arena, const struct when *when,
				  const struct kernel_view *view);

/* What lies in either, and what lies in both: never too narrow. */
struct projection projection_either(struct arena *arena, const struct projection *a,
				    const struct projection *b);
struct projection projection_both(struct arena *arena, const struct projection *a,
				  const struct projection *b);

/* The part of it that is UDP. */
struct projection projection_of_datagrams(struct arena *arena, const struct projection *projection);

/* True when every flow lies inside. */
bool projection_is_all(const struct projection *projection);

/* The same as the kernel would do it, for tests and explanations. Of the facts only the moment of
 * addresses is looked at. */
bool projection_holds(const struct projection *projection, const struct facts *facts);

/* The family that all packets of the term have: AF_INET, AF_INET6, or AF_UNSPEC when it may be either. */
sa_family_t term_family(const struct term *term);
