/* A table as it lies in the kernel: every chain but those at hooks carries the number of a generation in its name
 * (`rules.7`), and those at hooks hold one rule, which goes to the newest. So a generation is written beside the one in
 * force, and is reached from one moment to the next, whole. Pure: text (ruleset_print(), one chain, rule or
 * object to a line) becomes commands of nft. Functions that return text: to free(), or NULL when out of memory. */
#pragma once

#include <stdbool.h>

enum { GENERATION_NAME = 64 }; /* bytes of a chain's name with its number */

/* Counters, meters and all chains, those that no packet reaches yet. */
char *generation_print_chains(const char *table, unsigned number);

/* The chains at hooks, with their one rule. */
char *generation_print_hooks(const char *table, unsigned number);

/* The name of a chain in a generation. */
void generation_name(char name[static GENERATION_NAME], const char *chain, unsigned number);

/* The number in the name of a chain; 0 for one at a hook, or a stranger's. */
unsigned generation_of(const char *name);

/* Whether the table has something of a kind ("chain", "set", "counter") and name, in that generation where it is
 * a chain that has one. */
bool generation_has(const char *table, unsigned number, const char *kind, const char *name);
