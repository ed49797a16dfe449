#include "daemon/policy/definitions.h"

#include <string.h>

#include "daemon/policy/scalar.h"
#include "daemon/policy/suggestion.h"

const struct device *find_device(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->device_count; i++) {
		if (policy->devices[i].name && strcmp(policy->devices[i].name, name) == 0)
			return &policy->devices[i];
	}
	return NULL;
}

static void report_undefined(struct reading *reading, struct value value,
			     const struct suggestion *suggestion, const char *kind)
{
	if (suggestion->best)
		reading_error(reading, value, "there is no %s \"%.64s\"; did you mean \"%s\"?",
			      kind, suggestion->sought, suggestion->best);
	else
		reading_error(reading, value, "there is no %s \"%.64s\"; define it under `%ss`",
			      kind, suggestion->sought, kind);
}

static const struct list *list_named(struct reading *reading, struct value value, const char *name)
{
	const struct policy *policy = reading->policy;
	struct suggestion suggestion;

	suggestion_begin(&suggestion, name);
	for (size_t i = 0; i < policy->list_count; i++) {
		const char *other = policy->lists[i]->name;

		if (other && strcmp(other, name) == 0)
			return policy->lists[i];
		if (other)
			suggestion_offer(&suggestion, other);
	}
	report_undefined(reading, value, &suggestion, "list");
	return NULL;
}

const struct list *find_list(struct reading *reading, struct value value, const char *name,
			     enum list_use use)
{
	const struct list *list = list_named(reading, value, name);
	bool usable = list && list->files[use == LIST_OF_NAMES ? FILE_NAMES : FILE_ADDRESSES].name;

	if (!list || usable)
		return usable ? list : NULL;
	/* A list without any file has been reported where it is defined. */
	if (list->files[FILE_NAMES].name || list->files[FILE_ADDRESSES].name)
		reading_error(
			reading, value,
			"the list \"%s\" holds %s, but %s are needed here; give it \"%s: FILE\"",
			name, use == LIST_OF_NAMES ? "addresses" : "names",
			use == LIST_OF_NAMES ? "names" : "addresses",
			use == LIST_OF_NAMES ? "names" : "addresses");
	return NULL;
}

struct upstream *find_upstream(struct reading *reading, struct value value, const char *name)
{
	const struct policy *policy = reading->policy;
	struct suggestion suggestion;

	suggestion_begin(&suggestion, name);
	for (size_t i = 0; i < policy->upstream_count; i++) {
		struct upstream *upstream = policy->upstreams[i];

		if (!upstream->defined || !upstream->name)
			continue;
		if (strcmp(upstream->name, name) == 0)
			return upstream;
		suggestion_offer(&suggestion, upstream->name);
	}
	report_undefined(reading, value, &suggestion, "upstream");
	return NULL;
}
