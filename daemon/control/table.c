#include "daemon/control/table.h"

#include <stdlib.h>

struct row {
	struct row *next;
	char *cells[TABLE_COLUMNS_MAX]; /* NULL: "-" */
};

struct table {
	const struct column *columns;
	size_t column_count;
	int widths[TABLE_COLUMNS_MAX]; /* characters */
	struct row *first;
	struct row **end;
};

/* Characters of valid UTF-8, which is what JSON strings are. */
static int width(const char *text)
{
	int characters = 0;

	for (; *text; text++)
		characters += (*text & 0xc0) != 0x80;
	return characters;
}

struct table *table_new(const struct column *columns)
{
	struct table *table = calloc(1, sizeof *table);

	if (!table)
		return NULL;
	table->columns = columns;
	table->end = &table->first;
	while (columns[table->column_count].title && table->column_count < TABLE_COLUMNS_MAX) {
		table->widths[table->column_count] = width(columns[table->column_count].title);
		table->column_count++;
	}
	return table;
}

static void row_free(struct row *row)
{
	for (size_t i = 0; i < TABLE_COLUMNS_MAX; i++)
		free(row->cells[i]);
	free(row);
}

void table_free(struct table *table)
{
	struct row *row, *next;

	if (!table)
		return;
	for (row = table->first; row; row = next) {
		next = row->next;
		row_free(row);
	}
	free(table);
}

int table_add(struct table *table, const json_t *line)
{
	struct row *row = calloc(1, sizeof *row);

	if (!row)
		return -1;
	for (size_t i = 0; i < table->column_count; i++) {
		const struct column *column = &table->columns[i];

		row->cells[i] = column->cell(line, column->member);
		if (row->cells[i] && width(row->cells[i]) > table->widths[i])
			table->widths[i] = width(row->cells[i]);
	}
	*table->end = row;
	table->end = &row->next;
	return 0;
}

static void print_cell(const struct table *table, size_t index, const char *text, FILE *stream)
{
	int padding = table->widths[index] - width(text);
	bool last = index + 1 == table->column_count;

	if (table->columns[index].right)
		fprintf(stream, "%*s%s", padding, "", text);
	else
		fprintf(stream, "%s%*s", text, last ? 0 : padding, "");
	fputs(last ? "\n" : "  ", stream);
}

void table_print(const struct table *table, const char *none, FILE *stream)
{
	if (!table->first) {
		fprintf(stream, "%s\n", none);
		return;
	}
	for (size_t i = 0; i < table->column_count; i++)
		print_cell(table, i, table->columns[i].title, stream);
	for (const struct row *row = table->first; row; row = row->next)
		for (size_t i = 0; i < table->column_count; i++)
			print_cell(table, i, row->cells[i] ? row->cells[i] : "-", stream);
}
