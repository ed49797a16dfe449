/* Where every format's parser puts its findings: makes entries canonical, passes them on, counts
 * what is bad and what is not for us. A parser never looks at the answer; it ends when `stopped`
 * says so. */
#pragma once

#include "daemon/lists/format.h"

struct gather {
	struct format_report *report;
	const struct format_options *options;
	const char *const *codes; /* that are wanted; none: everything is */
	size_t code_count;
	entry_sink *sink;
	void *context;
	unsigned last_bad;	 /* line */
	struct list_entry entry; /* line is set before each line; allow by the parser */
	bool stopped; /* nothing more is wanted: the sink said so, or the list is refused */
	int error;    /* ECANCELED when the sink stopped, ENOMEM */
};

/* Tells of the line in which something that no format allows was found. why is static. */
void gather_bad(struct gather *gather, const char *why);

/* Counts something that is understood, but not for us. */
void gather_skip(struct gather *gather);

/* Refuses the whole list with this message and stops. */
void gather_refuse(struct gather *gather, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Ends the reading because there is no memory. */
void gather_exhausted(struct gather *gather);

/* A range; bad when it is none, or holds all addresses of its family. */
void gather_range(struct gather *gather, const struct address *first, const struct address *last);

/* A prefix; bad when it holds all addresses. */
void gather_prefix(struct gather *gather, const struct prefix *prefix);

/* An address, a prefix ("192.0.2.0/24", "192.0.2.0/255.255.255.0") or a range "a-b". False, and
 * nothing done, when text is none of them. */
bool gather_addresses(struct gather *gather, const char *text);

/* A name with "*." or "." before it, or bare, which then reaches as far as `bare` says. U-labels
 * become A-labels (RFC 5891); names that mean the machine itself (localhost) are skipped. */
void gather_name(struct gather *gather, const char *text, enum name_pattern_kind bare);

/* gather_addresses(), or else gather_name(). */
void gather_host(struct gather *gather, const char *text, enum name_pattern_kind bare);
