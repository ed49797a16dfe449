/* What came of the lists of a policy when they were compiled. Of one size and without a pointer, so
 * that it can cross from the process that reads lists. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/lists/format.h"
#include "daemon/lists/layout.h"

enum {
	REPORT_LINES = FORMAT_BAD_SHOWN,
	REPORT_WHY = 64,
	REPORT_WORD = 16,
	REPORT_REFUSAL = 256,
};

enum list_outcome {
	LIST_TAKEN,
	LIST_KEPT, /* refused; the entries of the time before stay */
	LIST_LOST, /* refused, and nothing is there that could stay: the list is empty */
};

struct report_line {
	uint32_t line;
	char why[REPORT_WHY];
};

struct file_report {
	uint32_t given;		       /* 0: the list has no such file */
	uint32_t absent;	       /* 1: there is no file of that name */
	uint32_t empty;		       /* 1: holds nothing, and that is fine: the owner's own */
	char format[REPORT_WORD];      /* as which it was read */
	char compression[REPORT_WORD]; /* "" for none */
	uint64_t bytes;		       /* of the file */
	uint64_t entries;	       /* taken */
	uint64_t names_left_out;       /* of a file of addresses */
	uint64_t bad;		       /* lines that are not understood */
	uint64_t skipped;	       /* understood, but nothing for a list of hosts */
	struct report_line bad_lines[REPORT_LINES]; /* the first ones */
	char refusal[REPORT_REFUSAL]; /* "is refused: …", "cannot be read: …"; "" */
};

struct list_report {
	uint32_t list;	  /* its number in what was to be compiled */
	uint32_t outcome; /* enum list_outcome */
	int64_t since;	  /* of LIST_KEPT: when its entries were read, seconds since 1970 */
	uint64_t guarded; /* entries left out because they hold an address that must stay reachable
			   */
	uint32_t guarded_line; /* of the first one */
	struct file_report files[LIST_FILES];
};
