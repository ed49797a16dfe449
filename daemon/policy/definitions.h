/* What the owner defines by name: lists, devices, upstreams. Readers and grammars for the table in
 * config.c, and the look-up of a name that a rule mentions. */
#pragma once

#include "daemon/policy/grammar.h"

extern const struct grammar list_grammar;
extern const struct grammar countries_grammar;
extern const struct grammar device_grammar;
extern const struct grammar upstream_grammar;

keyword_reader read_lists, read_countries, read_devices, read_upstreams;

/* The upstream that a rule describes in place; NULL after reporting why there is none. Owned by the
 * policy. */
struct upstream *read_inline_upstream(struct reading *reading, struct value value);

enum list_use { LIST_OF_ADDRESSES, LIST_OF_NAMES };

/* Find what the owner defined under a name. NULL after reporting at the value that there is no such
 * definition, with the nearest one, or that the list holds nothing of the kind asked for. */
const struct list *find_list(struct reading *reading, struct value value, const char *name,
			     enum list_use use);
/* The list of all addresses in a country, by its code; made when it is asked for the first time. NULL
 * after reporting why there is none. */
const struct list *find_country(struct reading *reading, struct value value, const char *code);
struct upstream *find_upstream(struct reading *reading, struct value value, const char *name);

/* The device of this name; NULL without any message, since `from` takes other words, too. */
const struct device *find_device(const struct policy *policy, const char *name);
