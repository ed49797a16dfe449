#include "netfilter/rewriting.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/text.h"
#include "netfilter/generation.h"
#include "netfilter/inventory.h"
#include "netfilter/ruleset.h"

enum { LINE_SIZE = 128 }; /* of one command about an item */

struct rewriting {
	struct inventory inventory; /* of what was there before */
	const char *table;
	unsigned number; /* of the generation that comes */
	char *message;
};

/* Whether an item is meant. */
typedef bool choice(const struct rewriting *rewriting, const struct inventory_item *item);

static bool is_hooked(const struct rewriting *rewriting, const struct inventory_item *item)
{
	(void)rewriting;
	return item->hooked;
}

static bool is_left_over(const struct rewriting *rewriting, const struct inventory_item *item)
{
	return !generation_has(rewriting->table, rewriting->number, item->kind, item->name);
}

/* All but the chains at hooks are new names: what is of no other generation is of this one. */
static bool is_of_generation(const struct rewriting *rewriting, const struct inventory_item *item)
{
	return generation_of(item->name) == rewriting->number;
}

static bool is_chain(const struct inventory_item *item)
{
	return strcmp(item->kind, "chain") == 0;
}

static void add_command(struct text *text, const char *verb, const struct inventory_item *item)
{
	text_addf(text, "%s %s inet " TABLE_NAME " %s\n", verb, item->kind, item->name);
}

static void add_flushes(const struct rewriting *rewriting, choice *meant, struct text *text)
{
	const struct inventory *inventory = &rewriting->inventory;

	for (size_t i = 0; i < inventory->count; i++)
		if (is_chain(&inventory->items[i]) && meant(rewriting, &inventory->items[i]))
			add_command(text, "flush", &inventory->items[i]);
}

static void add_removals(const struct rewriting *rewriting, choice *meant, struct text *text)
{
	const struct inventory *inventory = &rewriting->inventory;

	for (size_t i = 0; i < inventory->count; i++)
		if (meant(rewriting, &inventory->items[i]))
			add_command(text, "delete", &inventory->items[i]);
}

/* Begins a text with room for two commands about each item, and some more. */
static bool begin_text(struct text *text, const struct rewriting *rewriting, size_t more)
{
	size_t size = 2 * LINE_SIZE * rewriting->inventory.count + more + 1;
	char *storage = malloc(size);

	if (storage)
		text_begin(text, storage, size);
	return storage;
}

static int load_and_free(const struct rewriting *rewriting, char *commands)
{
	int result = commands && *commands ? table_load(commands, rewriting->message)
					   : (commands ? 0 : -1);
	int error = errno;

	free(commands);
	errno = error;
	return result;
}

/* Coming */

static int write_chains(const struct rewriting *rewriting)
{
	return load_and_free(rewriting,
			     generation_print_chains(rewriting->table, rewriting->number));
}

static int add_queue_rule(const struct rewriting *rewriting, const struct queue_rule *rule)
{
	char chain[GENERATION_NAME];

	generation_name(chain, QUEUE_CHAIN, rewriting->number);
	return rule ? queue_rule_add(rule, chain) : 0;
}

/* The hooks stay. */
static int take_over(const struct rewriting *rewriting, const char *hooks)
{
	struct text text;

	if (!begin_text(&text, rewriting, strlen(hooks)))
		return -1;
	add_flushes(rewriting, is_hooked, &text);
	text_add(&text, hooks);
	return load_and_free(rewriting, text.bytes);
}

static int exchange_hooks(const struct rewriting *rewriting, const char *hooks)
{
	struct text text;

	if (!begin_text(&text, rewriting, strlen(hooks)))
		return -1;
	add_flushes(rewriting, is_hooked, &text);
	add_removals(rewriting, is_hooked, &text);
	text_add(&text, hooks);
	return load_and_free(rewriting, text.bytes);
}

static int put_in_force(const struct rewriting *rewriting)
{
	char *hooks = generation_print_hooks(rewriting->table, rewriting->number);
	int result, error;

	if (!hooks)
		return -1;
	result = take_over(rewriting, hooks);
	if (result < 0 && errno == EPROTO)
		result = exchange_hooks(rewriting, hooks);
	error = errno;
	free(hooks);
	errno = error;
	return result;
}

/* Going */

static int remove_items(const struct rewriting *rewriting, choice *meant)
{
	struct text text;

	if (!begin_text(&text, rewriting, 0))
		return -1;
	add_flushes(rewriting, meant, &text);
	add_removals(rewriting, meant, &text);
	return load_and_free(rewriting, text.bytes);
}

static int empty_items(const struct rewriting *rewriting, choice *meant)
{
	struct text text;

	if (!begin_text(&text, rewriting, 0))
		return -1;
	add_flushes(rewriting, meant, &text);
	return load_and_free(rewriting, text.bytes);
}

/* No packet meets them, so they may as well wait for the next time. Older kernels do not let a chain go in the
 * transaction in which the map that names it goes. */
static void clear_away(const struct rewriting *rewriting, choice *meant)
{
	char unheard[TABLE_MESSAGE];
	struct rewriting quiet = *rewriting;

	quiet.message = unheard;
	if (remove_items(&quiet, meant) < 0 && empty_items(&quiet, meant) == 0)
		remove_items(&quiet, meant);
}

/* Returns when every packet that was on its way through the rules of before is through. */
static void await_packets(void)
{
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

static void take_back(const struct rewriting *rewriting)
{
	struct rewriting back = *rewriting;
	int error = errno;

	if (inventory_take(&back.inventory) == 0)
		clear_away(&back, is_of_generation);
	inventory_free(&back.inventory);
	errno = error;
}

static enum rewriting_result rewrite(const struct rewriting *rewriting,
				     const struct queue_rule *rule)
{
	enum rewriting_result result = REWRITING_DONE;

	if (write_chains(rewriting) < 0)
		return REWRITING_FAILED;
	if (add_queue_rule(rewriting, rule) < 0)
		result = REWRITING_NO_QUEUE;
	else if (put_in_force(rewriting) < 0)
		result = REWRITING_FAILED;
	if (result != REWRITING_DONE) {
		take_back(rewriting);
		return result;
	}
	await_packets();
	clear_away(rewriting, is_left_over);
	return REWRITING_DONE;
}

/* Also what a program that was killed on the way left behind counts. */
static unsigned next_number(const struct inventory *inventory)
{
	unsigned newest = 0;

	for (size_t i = 0; i < inventory->count; i++)
		if (generation_of(inventory->items[i].name) > newest)
			newest = generation_of(inventory->items[i].name);
	return newest + 1;
}

enum rewriting_result rewriting_put(const char *text, const struct queue_rule *rule,
				    char message[static TABLE_MESSAGE])
{
	struct rewriting rewriting = { .table = text, .message = message };
	enum rewriting_result result;
	int error;

	message[0] = 0;
	if (inventory_take(&rewriting.inventory) < 0)
		return REWRITING_FAILED;
	rewriting.number = next_number(&rewriting.inventory);
	result = rewrite(&rewriting, rule);
	error = errno;
	inventory_free(&rewriting.inventory);
	errno = error;
	return result;
}

/* Over a table with other hooks than ours it can only be tried in its place. */
int rewriting_try(const char *text, char message[static TABLE_MESSAGE])
{
	static const char clearing[] = "add table inet " TABLE_NAME "\n"
				       "delete table inet " TABLE_NAME "\n";
	size_t size = sizeof(clearing) + strlen(text);
	int result = table_check(text, message), error = errno;
	char *replacing;

	if (result == 0 || error != EPROTO)
		return result;
	replacing = malloc(size);
	if (!replacing)
		return -1;
	memcpy(replacing, clearing, sizeof(clearing) - 1);
	strcpy(replacing + sizeof(clearing) - 1, text);
	result = table_check(replacing, message);
	error = errno;
	free(replacing);
	errno = error;
	return result;
}
