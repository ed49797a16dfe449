#include "daemon/console/scrape.h"

#include <event2/buffer.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/console/asking.h"
#include "daemon/control/exposition.h"
#include "daemon/control/server.h"

struct scrape {
	struct scrape_settings settings;
	struct asking *asking;
	struct evbuffer *answer; /* to the question under way */
	size_t question;
	json_t *answers; /* to those before */
};

static void finish(struct scrape *scrape)
{
	char *text = NULL;
	size_t length = 0;
	FILE *output = open_memstream(&text, &length);

	if (output) {
		exposition_print(scrape->answers, output);
		if (fclose(output))
			length = 0;
	}
	scrape->settings.done(scrape->settings.context, length ? text : NULL, length);
	free(text);
}

static void fail(struct scrape *scrape)
{
	scrape->settings.done(scrape->settings.context, NULL, 0);
}

static void take(void *context, const char *bytes, size_t length)
{
	struct scrape *scrape = context;

	if (evbuffer_get_length(scrape->answer) + length > CONTROL_ANSWER_MAX ||
	    evbuffer_add(scrape->answer, bytes, length))
		fail(scrape);
}

/* The lines of an answer; true when its end says that they are all. */
static bool read_lines(struct scrape *scrape, json_t *lines)
{
	bool complete = false;
	size_t length;
	char *text;

	while ((text = evbuffer_readln(scrape->answer, &length, EVBUFFER_EOL_LF))) {
		json_t *line = json_loadb(text, length, 0, NULL);

		if (json_is_true(json_object_get(line, "end")))
			complete = json_integer_value(json_object_get(line, "status")) == 0;
		else if (line)
			json_array_append(lines, line);
		json_decref(line);
		free(text);
	}
	return complete;
}

static int ask(struct scrape *scrape);

static void over(void *context)
{
	struct scrape *scrape = context;
	json_t *lines = json_array();

	asking_free(scrape->asking);
	scrape->asking = NULL;
	if (!lines || !read_lines(scrape, lines) ||
	    json_object_set(scrape->answers, exposition_questions[scrape->question], lines))
		fail(scrape);
	else if (++scrape->question == EXPOSITION_QUESTIONS)
		finish(scrape);
	else if (ask(scrape) < 0)
		fail(scrape);
	json_decref(lines);
}

static int ask(struct scrape *scrape)
{
	char question[64];
	const struct asking_settings settings = {
		.base = scrape->settings.base,
		.channel = scrape->settings.channel,
		.question = question,
		.take = take,
		.over = over,
		.context = scrape,
	};

	snprintf(question, sizeof(question), "{\"command\":\"%s\"}",
		 exposition_questions[scrape->question]);
	scrape->asking = asking_new(&settings);
	return scrape->asking ? 0 : -1;
}

struct scrape *scrape_new(const struct scrape_settings *settings)
{
	struct scrape *scrape = calloc(1, sizeof(*scrape));

	if (!scrape)
		return NULL;
	scrape->settings = *settings;
	scrape->answer = evbuffer_new();
	scrape->answers = json_object();
	if (scrape->answer && scrape->answers && ask(scrape) == 0)
		return scrape;
	scrape_free(scrape);
	return NULL;
}

void scrape_free(struct scrape *scrape)
{
	if (!scrape)
		return;
	asking_free(scrape->asking);
	if (scrape->answer)
		evbuffer_free(scrape->answer);
	json_decref(scrape->answers);
	free(scrape);
}
