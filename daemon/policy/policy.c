#include "daemon/policy/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct rule *new_otherwise(void)
{
	struct rule *rule = calloc(1, sizeof(*rule));

	if (!rule)
		return NULL;
	rule->verdict = VERDICT_PASS;
	rule->log = JOURNAL_CONNECTIONS;
	rule->name = strdup("no rule matched");
	if (rule->name)
		return rule;
	free(rule);
	return NULL;
}

struct policy *policy_new(struct sources *sources)
{
	struct policy *policy = calloc(1, sizeof(*policy));
	struct rule *otherwise = new_otherwise();

	if (!policy || !otherwise) {
		if (otherwise)
			rule_end(otherwise);
		free(otherwise);
		free(policy);
		sources_free(sources);
		return NULL;
	}
	policy->holders = 1;
	policy->sources = sources;
	policy->otherwise = otherwise;
	policy->otherwise->place.file = sources->sources[0].name;
	policy->capture.tcp_count = 2;
	policy->capture.tcp[0] = (struct port_range){ 80, 80 };
	policy->capture.tcp[1] = (struct port_range){ 443, 443 };
	policy->capture.mark = policy->capture.mark_mask = 0x07000000;
	policy->capture.table = 7446;
	policy->capture.list_mask = 0x00ff0000;
	policy->traces.rotate = 64000000;
	policy->traces.keep = 4;
	limits_begin(&policy->limits);
	return policy;
}

struct policy *policy_hold(struct policy *policy)
{
	policy->holders++;
	return policy;
}

static void free_settings(struct policy *policy)
{
	free(policy->journal.file);
	free(policy->traces.directory);
	free(policy->authority.directory);
	free(policy->authority.next);
	for (size_t i = 0; i < policy->authority.never_count; i++)
		free(policy->authority.never[i].name);
	free(policy->authority.never);
	free(policy->authority.never_lists);
	free(policy->trust_joined);
	for (size_t i = 0; i < policy->console.name_count; i++)
		free(policy->console.names[i]);
}

static void free_definitions(struct policy *policy)
{
	for (size_t i = 0; i < policy->list_count; i++)
		list_free(policy->lists[i]);
	for (size_t i = 0; i < policy->upstream_count; i++)
		upstream_free(policy->upstreams[i]);
	for (size_t i = 0; i < policy->device_count; i++)
		device_end(&policy->devices[i]);
	free(policy->lists);
	list_free(policy->countries);
	for (size_t i = 0; i < policy->feed_count; i++)
		feed_free(policy->feeds[i]);
	free(policy->feeds);
	if (policy->compiled)
		compiled_close(policy->compiled);
	free(policy->compiled);
	free(policy->lists_trouble);
	free(policy->upstreams);
	free(policy->devices);
}

void policy_release(struct policy *policy)
{
	if (!policy || --policy->holders > 0)
		return;
	for (size_t i = 0; i < policy->rule_count; i++)
		rule_end(&policy->rules[i]);
	free(policy->rules);
	rule_end(policy->otherwise);
	free(policy->otherwise);
	free_definitions(policy);
	free_settings(policy);
	sources_free(policy->sources);
	free(policy);
}

struct naming {
	struct authority_settings *authority;
	unsigned list;
	int error;
};

static int add_never(struct authority_settings *authority, const struct list_entry *entry)
{
	struct never *grown;

	if (authority->never_count >= NEVERS_MAX) {
		errno = E2BIG;
		return -1;
	}
	grown = reallocarray(authority->never, NEVERS_MAX, sizeof(*grown));
	if (!grown)
		return -1;
	authority->never = grown;
	grown += authority->never_count;
	grown->kind = entry->pattern;
	grown->name = strdup(entry->name);
	if (!grown->name)
		return -1;
	authority->never_count++;
	return 0;
}

/* What an exception takes away stays forbidden: a certificate cannot say more. */
static void name_entry(void *context, unsigned list, const struct list_entry *entry)
{
	struct naming *naming = context;

	if (list == naming->list && !entry->allow && !naming->error)
		naming->error = add_never(naming->authority, entry);
}

static int name_nevers(struct policy *policy)
{
	struct authority_settings *authority = &policy->authority;

	for (size_t i = 0; i < authority->never_list_count; i++) {
		const struct list *list = authority->never_lists[i];
		struct naming naming = { .authority = authority, .list = list->number };

		if (list->compiled)
			suffixes_each(&list->compiled->suffixes, name_entry, &naming);
		if (naming.error)
			return -1;
	}
	return 0;
}

int policy_take_lists(struct policy *policy, struct compiled *compiled)
{
	policy->compiled = compiled;
	for (size_t i = 0; i < policy->list_count; i++)
		list_attach(policy->lists[i], compiled);
	return name_nevers(policy);
}

const struct device *policy_device(const struct policy *policy, const struct address *client,
				   const uint8_t *mac)
{
	for (size_t i = 0; i < policy->device_count; i++) {
		if (device_matches(&policy->devices[i], client, mac))
			return &policy->devices[i];
	}
	return NULL;
}

bool policy_logs_passed(const struct policy *policy)
{
	for (size_t i = 0; i < policy->rule_count; i++)
		if (policy->rules[i].logged && policy->rules[i].verdict == VERDICT_PASS)
			return true;
	return false;
}

bool policy_traces(const struct policy *policy, unsigned kinds)
{
	for (size_t i = 0; i < policy->rule_count; i++)
		if (policy->rules[i].captures & kinds)
			return true;
	return false;
}
