#include "daemon/policy/reading.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void reading_exhausted(struct reading *reading)
{
	reading->exhausted = true;
	reading->errors++;
}

char *reading_copy(struct reading *reading, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		reading_exhausted(reading);
	return copy;
}

void *reading_grow(struct reading *reading, void *array, size_t *count, size_t size)
{
	size_t room = *count;

	/* Room doubles whenever the count is a power of two. */
	if ((room & (room - 1)) == 0) {
		void *grown = reallocarray(array, room ? room * 2 : 1, size);

		if (!grown) {
			reading_exhausted(reading);
			return NULL;
		}
		array = grown;
	}
	memset((char *)array + *count * size, 0, size);
	(*count)++;
	return array;
}

void reading_note(struct reading *reading, enum severity severity, const struct place *place,
		  const char *text)
{
	struct message *grown;

	reading->errors += severity == SEVERITY_ERROR;
	if (reading->message_count == MESSAGES_MAX) {
		reading->left_out++;
		return;
	}
	grown = reading_grow(reading, reading->messages, &reading->message_count, sizeof(*grown));
	if (!grown)
		return;
	reading->messages = grown;
	grown += reading->message_count - 1;
	grown->place = *place;
	grown->severity = severity;
	grown->text = reading_copy(reading, text);
}

static void note(struct reading *reading, enum severity severity, struct value value,
		 const char *text)
{
	struct place place = value_place(value);

	reading_note(reading, severity, &place, text);
}

void reading_error(struct reading *reading, struct value value, const char *format, ...)
{
	char text[MESSAGE_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	note(reading, SEVERITY_ERROR, value, text);
}

void reading_warning(struct reading *reading, struct value value, const char *format, ...)
{
	char text[MESSAGE_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	note(reading, SEVERITY_WARNING, value, text);
}

void reading_missing(struct reading *reading, struct value value, const char *name)
{
	if (reading->policy->sources->count == SOURCES_MAX)
		reading_error(reading, value, "%s was not read: there are more than %d files", name,
			      SOURCES_MAX);
	else
		reading_error(reading, value, "%s was not read", name);
}

const char *reading_found(struct value value, char found[static FOUND_SIZE])
{
	const char *const kinds[] = { [VALUE_NOTHING] = "nothing",
				      [VALUE_SCALAR] = "a text with a NUL in it",
				      [VALUE_LIST] = "a list",
				      [VALUE_MAPPING] = "a mapping" };
	const char *text = value_text(value);

	if (!text)
		return kinds[value_kind(value)];
	snprintf(found, FOUND_SIZE, "\"%.60s%s\"", text, strlen(text) > 60 ? "…" : "");
	/* An escape such as "\e" in the owner's file must not reach the terminal. */
	for (char *next = found; *next; next++) {
		if ((unsigned char)*next < ' ' || *next == 0x7f)
			*next = '?';
	}
	return found;
}

static size_t file_index(const struct reading *reading, const char *file)
{
	const struct sources *sources = reading->policy->sources;
	size_t index = 0;

	while (index < sources->count && sources->sources[index].name != file)
		index++;
	return index;
}

static int compare(const void *a, const void *b, void *context)
{
	const struct message *left = a;
	const struct message *right = b;
	size_t left_file = file_index(context, left->place.file);
	size_t right_file = file_index(context, right->place.file);

	if (left_file != right_file)
		return left_file < right_file ? -1 : 1;
	if (left->place.line != right->place.line)
		return left->place.line < right->place.line ? -1 : 1;
	return (left->place.column > right->place.column) -
	       (left->place.column < right->place.column);
}

static void tell(const struct reading *reading)
{
	struct place top = { reading->policy->sources->sources[0].name, 1, 1 };
	char text[80];

	if (reading->message_count)
		qsort_r(reading->messages, reading->message_count, sizeof(*reading->messages),
			compare, (void *)reading);
	for (size_t i = 0; i < reading->message_count; i++) {
		const struct message *message = &reading->messages[i];

		if (message->text)
			reading->report(reading->context, message->severity, &message->place,
					message->text);
	}
	if (reading->exhausted)
		reading->report(reading->context, SEVERITY_ERROR, &top, "out of memory");
	if (reading->left_out) {
		snprintf(text, sizeof(text), "and %zu more messages", reading->left_out);
		reading->report(reading->context, SEVERITY_ERROR, &top, text);
	}
}

void reading_end(struct reading *reading)
{
	tell(reading);
	for (size_t i = 0; i < reading->message_count; i++)
		free(reading->messages[i].text);
	free(reading->messages);
	for (size_t i = 0; i < reading->trusted_count; i++)
		free(reading->trusted[i].name);
	free(reading->trusted);
	for (size_t i = 0; i < SOURCES_MAX; i++)
		document_free(reading->documents[i]);
}
