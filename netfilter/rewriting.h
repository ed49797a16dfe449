/* The table `inet headgate`, rewritten while packets go through it. Whenever a hook is unregistered, whoever's it
 * is, the kernel drops every packet that waits in a queue at that moment (nf_queue_nf_hook_drop() in
 * net/netfilter/nfnetlink_queue.c): a SYN comes again after a second, a question of DNS perhaps never. So the chains
 * that stand at hooks stay where they are. Everything else is a generation (generation.h): its chains are written
 * first, since a set of intervals is empty until the transaction that makes it has ended, even to rules of that
 * transaction; then one transaction of a few rules sends all packets to them; then the generation of before goes.
 * Counters and meters that both have go on counting. Needs CAP_NET_ADMIN. */
#pragma once

#include "netfilter/queue_rule.h"
#include "netfilter/table.h"

enum rewriting_result {
	REWRITING_DONE,
	REWRITING_FAILED,  /* errno and message as of table_load() */
	REWRITING_NO_QUEUE, /* the kernel does not take the rule that queues; errno */
};

/* Makes the table that of the text (ruleset_print()), whatever it was before, nothing included. A packet meets the old
 * rules or the new ones, and these are whole: rule, if not NULL, is in its chain by then. Where another
 * program's chain of that name stands at another hook than ours, hooks are exchanged after all. When it fails, what was
 * in force still is. */
enum rewriting_result rewriting_put(const char *text, const struct queue_rule *rule,
				    char message[static TABLE_MESSAGE]);

/* Whether the kernel knows all the words of that text, without changing anything; results of table_check(). */
int rewriting_try(const char *text, char message[static TABLE_MESSAGE]);
