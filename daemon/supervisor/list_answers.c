#include "daemon/supervisor/list_answers.h"

#include <jansson.h>
#include <string.h>
#include <time.h>

#include "daemon/supervisor/feeds.h"
#include "daemon/supervisor/redirect.h"
#include "daemon/supervisor/supervision.h"

/* lists */

static json_int_t hits_of(const struct supervisor *supervisor, const struct list *list)
{
	const struct children *children = &supervisor->children;
	const struct policy *policy = supervisor->policy;
	uint64_t hits = 0;

	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];

		if (!rule_asks(rule, list))
			continue;
		for (unsigned block = 0; block < children_blocks(children); block++)
			hits += atomic_load(&children->counters[block].rule_hits[rule->slot]) +
				atomic_load(&children->counters[block].shadow_hits[rule->slot]);
	}
	return (json_int_t)hits;
}

static void add_feed(const struct supervisor *supervisor, const struct list *list, json_t *line)
{
	struct feed_state state;

	if (!list->feed || !supervisor->feeds ||
	    !feeds_state(supervisor->feeds, list->feed->name, &state))
		return;
	json_object_set_new(line, "source", json_string(state.url));
	json_object_set_new(line, "next", json_integer((json_int_t)state.next));
	if (state.fetched)
		json_object_set_new(line, "fetched", json_integer((json_int_t)state.fetched));
	if (*state.trouble)
		json_object_set_new(line, "trouble", json_string(state.trouble));
}

static void add_file(const struct list *list, json_t *line)
{
	for (unsigned i = 0; i < LIST_FILES; i++)
		if (list->files[i].name && !json_object_get(line, "file"))
			json_object_set_new(line, "file", json_string(list->files[i].name));
}

static json_t *list_json(const struct supervisor *supervisor, const struct list *list)
{
	static const struct layout_list empty;
	const struct layout_list *facts = list_facts(list);
	json_t *line;

	facts = facts ? facts : &empty;
	line = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "name", list->name, "addresses",
			 (json_int_t)facts->addresses, "names", (json_int_t)facts->names, "entries",
			 (json_int_t)facts->entries, "bad_lines",
			 (json_int_t)(facts->files[0].bad + facts->files[1].bad), "refused",
			 (json_int_t)facts->refused, "hits", hits_of(supervisor, list));
	if (!line)
		return NULL;
	if (facts->read) {
		json_object_set_new(line, "read", json_integer((json_int_t)facts->read));
		json_object_set_new(line, "age",
				    json_integer((json_int_t)(time(NULL) - facts->read)));
	}
	if (list->trouble)
		json_object_set_new(line, "trouble", json_string(list->trouble));
	add_file(list, line);
	add_feed(supervisor, list, line);
	return line;
}

void answer_lists(void *context, json_t *request, struct control_answer *answer)
{
	struct supervisor *supervisor = context;
	const struct policy *policy = supervisor->policy;

	(void)request;
	redirect_count(supervisor);
	for (size_t i = 0; i < policy->list_count; i++)
		control_answer_line(answer, list_json(supervisor, policy->lists[i]));
	if (policy->compiled)
		control_answer_line(answer,
				    json_pack("{s:s, s:I, s:I}", "compiled",
					      supervisor->lists_directory, "bytes_in_memory",
					      (json_int_t)compiled_resident(policy->compiled),
					      "bytes_on_disk", (json_int_t)policy->compiled->size));
	control_answer_end(answer, 0, NULL);
}

/* lists search */

struct looking {
	const struct policy *policy;
	struct control_answer *answer;
	unsigned count;
};

static const struct list *list_of_number(const struct policy *policy, unsigned number)
{
	for (size_t i = 0; i < policy->list_count; i++)
		if (policy->lists[i]->compiled && policy->lists[i]->number == number)
			return policy->lists[i];
	return NULL;
}

/* A list may hold anything behind an entry. */
static json_t *text_json(const char *text)
{
	json_t *string = json_string(text);

	return string ? string : json_string("(a line that is not UTF-8)");
}

static void tell_entry(void *context, unsigned number, const struct list_entry *entry)
{
	struct looking *looking = context;
	const struct list *list = list_of_number(looking->policy, number);
	struct list_spot spot;

	if (!list)
		return;
	list_find_spot(list, entry, &spot);
	looking->count++;
	control_answer_line(looking->answer,
			    json_pack("{s:s, s:s, s:i, s:o, s:b}", "list", list->name, "file",
				      spot.file, "line", (int)spot.line, "text",
				      text_json(spot.text), "takes_away", entry->allow));
}

static void search(const struct compiled *compiled, const char *what, struct looking *looking)
{
	struct address address;
	char name[NAME_SIZE];

	if (address_parse(&address, what) == 0)
		ranges_search(&compiled->ranges, &address, tell_entry, looking);
	else if (name_canonical(what, strlen(what), name))
		suffixes_search(&compiled->suffixes, name, tell_entry, looking);
}

static bool is_sought(const char *what)
{
	struct address address;
	char name[NAME_SIZE];

	return address_parse(&address, what) == 0 || name_canonical(what, strlen(what), name);
}

void answer_search(void *context, json_t *request, struct control_answer *answer)
{
	const struct supervisor *supervisor = context;
	struct looking looking = { supervisor->policy, answer, 0 };
	const char *what = NULL;

	if (json_unpack(request, "{s:s}", "what", &what) < 0 || !is_sought(what)) {
		control_answer_end(answer, 1,
				   "lists search takes a name like www.example.com or an address");
		return;
	}
	if (supervisor->policy->compiled)
		search(supervisor->policy->compiled, what, &looking);
	control_answer_end(answer, looking.count ? 0 : 1,
			   looking.count ? NULL : "it is in no list");
}

/* lists refresh */

void answer_refresh(void *context, json_t *request, struct control_answer *answer)
{
	const struct supervisor *supervisor = context;

	(void)request;
	if (!supervisor->feeds || !supervisor->policy->feed_count) {
		control_answer_end(answer, 1, "no list has a source to be fetched from");
		return;
	}
	feeds_refresh(supervisor->feeds);
	control_answer_end(answer, 0,
			   "the lists are being fetched; `headgatectl lists` shows what "
			   "came of it");
}
