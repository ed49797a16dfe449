#include "netfilter/signatures.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/policy/condition.h"

/* Which lists are asked about */

static void add_lists(struct list_set *wanted, const struct when *when)
{
	for (size_t i = 0; i < when->count; i++) {
		const struct condition *condition = &when->conditions[i];

		add_lists(wanted, &condition->nested);
		for (size_t j = 0; condition->kind == CONDITION_ADDRESS && j < condition->count; j++)
			if (condition->alternatives[j].kind == ALTERNATIVE_LIST &&
			    condition->alternatives[j].list->compiled)
				list_set_add(wanted, condition->alternatives[j].list->number);
	}
}

static struct list_set wanted_lists(const struct policy *policy)
{
	struct list_set wanted = { { 0 } };

	for (size_t i = 0; i < policy->rule_count; i++)
		add_lists(&wanted, &policy->rules[i].when);
	return wanted;
}

bool policy_asks_lists(const struct policy *policy)
{
	const struct list_set wanted = wanted_lists(policy);

	return policy->compiled && !list_set_is_empty(&wanted);
}

/* Numbers */

static unsigned find_name(const struct signatures *signatures, const char *name)
{
	unsigned place = 0;

	while (place < signatures->name_count && strcmp(signatures->names[place], name) != 0)
		place++;
	return place;
}

/* The place of a name; -1 with errno. */
static int place_of(struct signatures *signatures, const char *name)
{
	unsigned place = find_name(signatures, name);

	if (place < signatures->name_count)
		return (int)place;
	if (place == LISTS_MAX) {
		errno = E2BIG;
		return -1;
	}
	signatures->names[place] = strdup(name);
	if (!signatures->names[place])
		return -1;
	signatures->name_count++;
	return (int)place;
}

/* From numbers in a compiled file to places of names. */
static int translate(struct signatures *signatures, const struct compiled *compiled,
		     const struct list_set *from, struct list_set *to)
{
	*to = (struct list_set){ { 0 } };
	for (unsigned i = 0; i < compiled->list_count; i++) {
		int place;

		if (!list_set_has(from, i))
			continue;
		place = place_of(signatures, compiled->lists[i].name);
		if (place < 0)
			return -1;
		list_set_add(to, (unsigned)place);
	}
	return 0;
}

static int number_of(struct signatures *signatures, const struct list_set *set)
{
	if (list_set_is_empty(set))
		return 0;
	for (unsigned i = 1; i <= signatures->count; i++)
		if (memcmp(&signatures->sets[i], set, sizeof(*set)) == 0)
			return (int)i;
	if (signatures->count == SIGNATURES_MAX) {
		errno = E2BIG;
		return -1;
	}
	signatures->sets[++signatures->count] = *set;
	return (int)signatures->count;
}

static int number_classes(struct signatures *signatures, const struct compiled *compiled,
			  const struct list_set *wanted, uint8_t *of_class)
{
	for (uint32_t i = 0; i < compiled->ranges.class_count; i++) {
		struct list_set here = compiled->ranges.classes[i], set;
		int number;

		list_set_intersect(&here, wanted);
		number = translate(signatures, compiled, &here, &set) < 0
				 ? -1
				 : number_of(signatures, &set);
		if (number < 0)
			return -1;
		of_class[i] = (uint8_t)number;
	}
	return 0;
}

int signatures_take(struct signatures *signatures, const struct policy *policy)
{
	const struct list_set wanted = wanted_lists(policy);
	uint32_t count = policy->compiled ? policy->compiled->ranges.class_count : 0;
	uint8_t *of_class = calloc(count + 1, 1);

	if (!of_class)
		return -1;
	if (count && number_classes(signatures, policy->compiled, &wanted, of_class) < 0) {
		free(of_class);
		return -1;
	}
	free(signatures->of_class);
	signatures->of_class = of_class;
	signatures->class_count = count;
	return 0;
}

void signatures_end(struct signatures *signatures)
{
	for (unsigned i = 0; i < signatures->name_count; i++)
		free(signatures->names[i]);
	free(signatures->of_class);
	*signatures = (struct signatures){ 0 };
}

bool signature_has(const struct signatures *signatures, unsigned number, const struct list *list)
{
	unsigned place = find_name(signatures, list->name);

	return place < signatures->name_count &&
	       list_set_has(&signatures->sets[number], place);
}

unsigned signatures_find(const struct signatures *signatures, const struct ranges *ranges,
			 const struct address *address)
{
	const struct list_set *set = ranges_find(ranges, address);

	return set ? signatures->of_class[set - ranges->classes] : 0;
}
