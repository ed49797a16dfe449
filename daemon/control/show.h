/* How headgatectl shows the lines of an answer. One showing lasts as long as one answer. */
#pragma once

#include <stdbool.h>

#include "daemon/control/table.h"

struct show {
	void (*line)(struct show *show, const json_t *line);
	const struct column *columns; /* show_row: the table's */
	const char *none;	      /* show_row: what stands for an empty table */
	struct table *table;	      /* made by show_begin() where there are columns */
	bool begun;		      /* there was a line */
	bool facts;		      /* facts were printed */
};

/* 0, or -1 when out of memory. */
int show_begin(struct show *show);

/* Prints what was collected and frees it. complete: the answer had its end. */
void show_end(struct show *show, bool complete);

/* A row of the table, printed by show_end(). */
void show_row(struct show *show, const json_t *line);

/* "name: value" for every member; members of objects below it, indented. */
void show_facts(struct show *show, const json_t *line);

/* The answer to `status`: facts, then a table of processes; to `lists`: the same with lists. */
void show_status(struct show *show, const json_t *line);
void show_lists(struct show *show, const json_t *line);

/* A line as programs read it; releases it. NULL, of a line that could not be made, is nothing. */
void show_json(json_t *line);

/* The member "text" as it is. */
void show_text(struct show *show, const json_t *line);

/* The answer to `console`: a link that can be opened. What stands behind # never leaves the browser. */
void show_console(struct show *show, const json_t *line);

/* One finding of a check: "file:line:column: error: message". */
void show_finding(struct show *show, const json_t *line);

/* One event on one line, at once. */
void show_event(struct show *show, const json_t *line);
