#include "daemon/control/show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

enum { INDENT = 2, NAME_WIDTH = 20 };

int show_begin(struct show *show)
{
	if (!show->columns)
		return 0;
	show->table = table_new(show->columns);
	return show->table ? 0 : -1;
}

void show_end(struct show *show, bool complete)
{
	if (show->facts && show->table)
		putchar('\n');
	if (show->table && (complete || show->begun))
		table_print(show->table, show->none, stdout);
	table_free(show->table);
	show->table = NULL;
	fflush(stdout);
}

/* What a slow reader was not told stands where it would have been. */
static bool show_lost(const json_t *line)
{
	json_t *event = json_object_get(line, "event");

	if (!json_is_string(event) || strcmp(json_string_value(event), "lost"))
		return false;
	printf("(%lld lines were lost: this reader is too slow)\n",
	       (long long)json_integer_value(json_object_get(line, "count")));
	return true;
}

void show_row(struct show *show, const json_t *line)
{
	if (show_lost(line))
		return;
	show->begun = true;
	if (table_add(show->table, line))
		fputs("headgatectl: out of memory\n", stderr);
}

/* "bytes_from_clients" is read as "bytes from clients". */
static void print_name(int depth, const char *name)
{
	printf("%*s", depth * INDENT, "");
	for (; *name; name++)
		putchar(*name == '_' ? ' ' : *name);
	putchar(':');
}

/* Members whose unit people want to see. */
static cell_print *cell_of(const char *name)
{
	if (strcmp(name, "uptime") == 0)
		return cell_seconds;
	if (strncmp(name, "bytes", 5) == 0)
		return cell_bytes;
	return cell_value;
}

static void print_facts(const json_t *object, int depth)
{
	const char *name;
	json_t *value;
	char *text;
	int padding;

	json_object_foreach((json_t *)object, name, value)
	{
		print_name(depth, name);
		if (json_is_object(value)) {
			putchar('\n');
			print_facts(value, depth + 1);
			continue;
		}
		text = cell_of(name)(object, name);
		padding = NAME_WIDTH - depth * INDENT - (int)strlen(name);
		printf("%*s%s\n", MAX(padding, 1), "", text ? text : "-");
		free(text);
	}
}

void show_facts(struct show *show, const json_t *line)
{
	if (show->facts)
		putchar('\n');
	show->begun = show->facts = true;
	print_facts(line, 0);
}

void show_status(struct show *show, const json_t *line)
{
	if (json_object_get(line, "process"))
		show_row(show, line);
	else
		show_facts(show, line);
}

/* What all lists have in common stands above them. */
void show_lists(struct show *show, const json_t *line)
{
	if (json_object_get(line, "compiled"))
		show_facts(show, line);
	else
		show_row(show, line);
}

/* Lines stay lines; everything else that could steer a terminal does not. */
void show_json(json_t *line)
{
	char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;

	if (text)
		puts(text);
	free(text);
	json_decref(line);
}

void show_text(struct show *show, const json_t *line)
{
	const char *text = json_string_value(json_object_get(line, "text"));
	char *copy = text ? strdup(text) : NULL;
	char *rest = copy;
	char *part;

	show->begun = true;
	while ((part = strsep(&rest, "\n")))
		if (rest || *part)
			puts(disarm(part));
	free(copy);
}

static void print_part(const char *format, char *text)
{
	if (text)
		printf(format, text);
	free(text);
}

void show_console(struct show *show, const json_t *line)
{
	show->begun = true;
	print_part("%s://", cell_value(line, "scheme"));
	print_part("%s/", cell_value(line, "address"));
	print_part("#%s\n", cell_value(line, "token"));
}

void show_finding(struct show *show, const json_t *line)
{
	show->begun = true;
	print_part("%s:", cell_value(line, "file"));
	if (json_object_get(line, "line")) {
		print_part("%s:", cell_value(line, "line"));
		print_part("%s: ", cell_value(line, "column"));
	}
	print_part("%s: ", cell_value(line, "severity"));
	print_part("%s\n", cell_value(line, "message"));
}

static void print_exchange(const json_t *line)
{
	const json_t *exchange = json_object_get(line, "exchange");

	if (!exchange)
		return;
	print_part(" %s", cell_value(exchange, "method"));
	print_part(" %s", cell_value(exchange, "authority"));
	print_part("%s", cell_value(exchange, "path"));
	print_part(" %s", cell_value(exchange, "status"));
	print_part(" (%s)", cell_value(exchange, "error.reason"));
}

void show_event(struct show *show, const json_t *line)
{
	show->begun = true;
	if (show_lost(line))
		return;
	print_part("%s ", cell_clock(line, "time"));
	print_part("%-22s", cell_value(line, "event"));
	print_part(" %s", cell_value(line, "connection"));
	print_part(" %s", cell_address(line, "client.peername"));
	print_part(" (%s)", cell_value(line, "client.device"));
	print_part(" > %s", cell_address(line, "client.sockname"));
	print_part(" %s", cell_value(line, "protocol"));
	print_part(" %s", cell_value(line, "host"));
	print_exchange(line);
	print_part(" [%s", cell_value(line, "verdict"));
	print_part(": %s]", cell_value(line, "rule"));
	print_part(" client: %s", cell_value(line, "client.error.reason"));
	print_part(" server: %s", cell_value(line, "server.error.reason"));
	putchar('\n');
	fflush(stdout);
}
