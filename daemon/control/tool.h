/* What every subcommand of headgatectl is given. */
#pragma once

#include <stdbool.h>

enum { STATUS_DONE = 0, STATUS_NO = 1, STATUS_USAGE = 2 };

struct tool {
	const char *run_directory;
	bool json;	/* --json: answers as they are, one object per line */
	bool plan;	/* --plan, of check */
	const char *format, *column, *code; /* of lists test and lists compile; NULL: not given */
	const char *length; /* --for, of ban; NULL: without an end */
	bool der;	/* --der, of authority export */
	int word_count; /* after the subcommand's name */
	char **words;
};
