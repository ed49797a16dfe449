/* Operator messages: one line on stderr, "headgated[worker 0]: warning: text". What happened to
 * traffic goes into the journal, never here. Logging keeps errno as it found it and cannot fail
 * its caller. */
#pragma once

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Names the process in every later line; role is copied (15 characters at most). */
void log_name(const char *program, const char *role);

/* Lines above level are dropped; default LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);

/* printf-like, without a newline. log_fatal() is only for start-up: it says the text and exits with
 * status 1. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_fatal(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Like log_warning(), at most once every 10 s for each call site; the next line says how many were
 * left out. For what a hostile network could make us say. */
struct log_limit {
	long long last; /* steady microseconds */
	unsigned left_out;
};
void log_warning_limited(struct log_limit *limit, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
