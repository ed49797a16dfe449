/* Lines of an answer in aligned columns, for people. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "daemon/control/cell.h"

enum { TABLE_COLUMNS_MAX = 12 };

/* What one column shows of a line. */
struct column {
	const char *title;
	cell_print *cell;
	const char *member; /* given to cell() */
	bool right;	    /* aligned to the right: numbers */
};

struct table;

/* columns end with a NULL title and must outlive the table. NULL when out of memory. */
struct table *table_new(const struct column *columns);
void table_free(struct table *table);

/* Adds the line as a row; an empty cell shows "-". 0, or -1 when out of memory. */
int table_add(struct table *table, const json_t *line);

/* Prints the titles and the rows, or only `none` when there are no rows. */
void table_print(const struct table *table, const char *none, FILE *stream);
