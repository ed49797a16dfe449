#include "daemon/policy/check.h"

#include "daemon/policy/condition.h"

struct check {
	check_line *line;
	void *context;
	char storage[CHECK_LINE];
	struct text text;
};

static struct text *begin(struct check *check)
{
	text_begin(&check->text, check->storage, sizeof(check->storage));
	return &check->text;
}

static void end(struct check *check)
{
	check->line(check->context, check->storage);
}

static void count(struct text *text, size_t number, const char *one, const char *many)
{
	text_addf(text, "%zu %s", number, number == 1 ? one : many);
}

static size_t defined_upstreams(const struct policy *policy)
{
	size_t defined = 0;

	for (size_t i = 0; i < policy->upstream_count; i++)
		defined += policy->upstreams[i]->defined;
	return defined;
}

static void tell_counts(const struct policy *policy, struct check *check)
{
	struct text *text = begin(check);

	count(text, policy->rule_count, "rule, ", "rules, ");
	count(text, policy->list_count, "list, ", "lists, ");
	count(text, policy->device_count, "device, ", "devices, ");
	count(text, defined_upstreams(policy), "upstream", "upstreams");
	end(check);
}

static void add_ports(struct text *text, const struct port_range *ranges, size_t range_count)
{
	for (size_t i = 0; i < range_count; i++) {
		text_add(text, i ? ", " : "");
		port_range_print(&ranges[i], text);
	}
	text_add(text, range_count ? "" : "none");
}

static void tell_capture(const struct policy *policy, struct check *check)
{
	const struct capture *capture = &policy->capture;
	struct text *text = begin(check);

	text_add(text, "captured: TCP ports ");
	add_ports(text, capture->tcp, capture->tcp_count);
	text_add(text, " of devices on ");
	for (size_t i = 0; i < policy->lan_count; i++)
		text_addf(text, "%s%s", i ? ", " : "", policy->lan[i]);
	text_add(text, policy->lan_count ? "" : "no port (there is no \"lan\")");
	end(check);
}

static size_t bad_lines(const struct layout_list *facts)
{
	size_t bad = 0;

	for (unsigned i = 0; facts && i < LIST_FILES; i++)
		bad += facts->files[i].bad;
	return bad;
}

static void tell_lists(const struct policy *policy, struct check *check)
{
	for (size_t i = 0; i < policy->list_count; i++) {
		const struct list *list = policy->lists[i];
		struct text *text = begin(check);

		const struct layout_list *facts = list_facts(list);

		text_addf(text, "list %s: ", list->name);
		count(text, facts ? facts->addresses : 0, "range of addresses, ",
		      "ranges of addresses, ");
		count(text, facts ? facts->names : 0, "name", "names");
		if (bad_lines(facts)) {
			text_add(text, ", ");
			count(text, bad_lines(facts), "line left out", "lines left out");
		}
		end(check);
	}
}

static void add_hosts(struct text *text, const struct rule *rule)
{
	bool any = false;

	for (size_t i = 0; i < rule->when.count; i++) {
		if (rule->when.conditions[i].kind != CONDITION_HOST)
			continue;
		text_add(text, " for ");
		condition_print(&rule->when.conditions[i], text);
		any = true;
	}
	text_add(text, any ? "" : " for every host");
}

static const char *why_opens(const struct rule *rule)
{
	if (rule->verdict == VERDICT_INSPECT)
		return "it inspects";
	if (rule_replies(rule))
		return "it answers requests itself";
	if (when_reads_tls(&rule->when))
		return rule_moment(rule) == MOMENT_CERTIFICATE
			       ? "it asks for the server's certificate"
			       : "it asks for what stands inside TLS";
	return "its upstream's TLS is the gateway's own";
}

static void tell_openers(const struct policy *policy, struct check *check)
{
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];
		struct text *text;

		if (!rule_opens_tls(rule))
			continue;
		text = begin(check);
		text_addf(text, "opens TLS: %s:%u: \"%s\"", rule->place.file, rule->place.line,
			  rule->name);
		add_hosts(text, rule);
		text_addf(text, ", because %s", why_opens(rule));
		end(check);
	}
	if (policy->opens_tls)
		return;
	text_add(begin(check), "no rule opens TLS");
	end(check);
}

void check_policy(const struct policy *policy, check_line *line, void *context)
{
	struct check check = { .line = line, .context = context };

	tell_counts(policy, &check);
	tell_capture(policy, &check);
	tell_lists(policy, &check);
	tell_openers(policy, &check);
}
