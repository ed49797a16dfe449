/* Where the journal's lines go: a file that is rotated, standard output, or the system's log. None
 * of them ever blocks. */
#pragma once

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/policy/policy.h"
#include "daemon/privilege.h"

struct output {
	/* Writes whole lines; returns how many were lost, with errno telling why. */
	uint64_t (*write)(struct output *output, const char *lines, size_t length);

	/* Writes what waits, as far as that is possible at once, and frees the output. */
	void (*free)(struct output *output);
};

/* Makes a missing file, and its missing directory, for the account. While still root; what is there
 * already is left alone. 0, or -1 with errno. */
int file_prepare(const char *path, const struct account *account);

/* A file, opened at once and again whenever it was moved or removed. A directory that cannot be
 * opened or a file that cannot be written is lost lines, not an error: each write tries again. NULL
 * with errno when out of memory. */
struct output *file_output(const struct journal_settings *settings);

/* Standard output: a reader that falls behind by more than STANDARD_MAX bytes loses lines. NULL
 * when out of memory. */
struct output *standard_output(struct event_base *base);

/* The system's log by datagrams to path ("/dev/log"; RFC 3164 as syslogd reads it), facility
 * daemon, severity info. NULL when out of memory. */
struct output *syslog_output(const char *path);

/* Number of newlines. */
uint64_t lines_count(const char *lines, size_t length);
