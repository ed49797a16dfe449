#include "daemon/policy/list_messages.h"

#include <time.h>

#include "daemon/text.h"

enum { MESSAGE_ROOM = 768 };

struct telling {
	const struct list *list;
	const struct list_report *report;
	config_report *tell;
	void *context;
	char storage[MESSAGE_ROOM];
	struct text text;
};

static void tell_at(struct telling *telling, enum severity severity, const struct place *place)
{
	telling->tell(telling->context, severity, place, telling->storage);
}

static struct text *begin(struct telling *telling)
{
	text_begin(&telling->text, telling->storage, sizeof(telling->storage));
	return &telling->text;
}

static void count(struct text *text, uint64_t number, const char *one, const char *many)
{
	text_addf(text, "%llu %s", (unsigned long long)number, number == 1 ? one : many);
}

static void add_time(struct text *text, int64_t seconds)
{
	time_t time = (time_t)seconds;
	struct tm parts;
	char when[32];

	if (gmtime_r(&time, &parts) && strftime(when, sizeof(when), "%Y-%m-%d %H:%M UTC", &parts))
		text_add(text, when);
}

static void add_consequence(struct telling *telling)
{
	if (telling->report->outcome == LIST_KEPT) {
		text_add(&telling->text, "; what was read ");
		add_time(&telling->text, telling->report->since);
		text_add(&telling->text, " stays in force");
	}
}

static void tell_refusal(struct telling *telling, const struct list_file *file,
			 const struct file_report *report)
{
	const struct feed *feed = telling->list->feed;
	bool awaited = feed && report->absent && telling->report->outcome == LIST_LOST;

	if (awaited)
		text_addf(begin(telling), "%s is not there yet: it is fetched from %.200s",
			  file->name, feed->url);
	else
		text_addf(begin(telling), "%s %s", file->name, report->refusal);
	add_consequence(telling);
	tell_at(telling, awaited ? SEVERITY_WARNING : SEVERITY_ERROR, &file->place);
}

static void tell_bad_lines(struct telling *telling, const struct list_file *file,
			   const struct file_report *report)
{
	struct place place = { file->name, report->bad_lines[0].line, 1 };
	struct text *text = begin(telling);

	count(text, report->bad, "line is", "lines are");
	text_add(text, " not understood and left out: ");
	for (size_t i = 0; i < report->bad && i < REPORT_LINES; i++)
		text_addf(text, "%sline %u (%s)", i ? ", " : "", report->bad_lines[i].line,
			  report->bad_lines[i].why);
	if (report->bad > REPORT_LINES)
		text_add(text, " …");
	tell_at(telling, SEVERITY_WARNING, &place);
}

static void tell_names(struct telling *telling, const struct list_file *file,
		       const struct file_report *report)
{
	struct text *text = begin(telling);

	text_addf(text, "%s holds ", file->name);
	count(text, report->names_left_out, "name", "names");
	text_add(text, ", left out: \"addresses\" takes addresses alone");
	tell_at(telling, SEVERITY_WARNING, &file->place);
}

static void tell_file(struct telling *telling, const struct list_file *file,
		      const struct file_report *report)
{
	if (*report->refusal) {
		tell_refusal(telling, file, report);
		return;
	}
	if (report->empty) {
		text_addf(begin(telling), "%s holds no entry", file->name);
		tell_at(telling, SEVERITY_WARNING, &file->place);
	}
	if (report->bad)
		tell_bad_lines(telling, file, report);
	if (report->names_left_out)
		tell_names(telling, file, report);
}

static void tell_guarded(struct telling *telling)
{
	const struct list *list = telling->list;
	struct text *text = begin(telling);

	text_addf(text, "list \"%s\": ", list->name);
	count(text, telling->report->guarded, "entry is", "entries are");
	text_addf(text,
		  " left out, the first in line %u: they hold addresses of your own network, which "
		  "no list should block. If it is meant: `guard: false`",
		  telling->report->guarded_line);
	tell_at(telling, SEVERITY_WARNING, &list->place);
}

void list_messages(const struct list *list, const struct list_report *report, config_report *tell,
		   void *context)
{
	struct telling telling = {
		.list = list, .report = report, .tell = tell, .context = context
	};

	for (unsigned i = 0; i < LIST_FILES; i++)
		if (report->files[i].given && list->files[i].name)
			tell_file(&telling, &list->files[i], &report->files[i]);
	if (report->guarded)
		tell_guarded(&telling);
}
