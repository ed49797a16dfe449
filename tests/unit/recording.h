/* A real recorder process, for the tests of what it writes and whom it answers. The supervisor's part is played here:
 * both ends of every worker's pair, its socket, its counters. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/counters.h"
#include "daemon/journal/message.h"
#include "daemon/journal/output.h"

enum { WORKERS = 2, PATIENCE_MILLISECONDS = 30000 };

/* Setup and teardown of a test: a directory of its own, the pairs, the settings; kills a recorder that still runs. */
int recording_begin(void **state);
int recording_end(void **state);

#define WITH_PAIRS(test) cmocka_unit_test_setup_teardown(test, recording_begin, recording_end)

/* All of these are there between the two. */
extern char base[];		  /* the test's directory */
extern char directory[];	  /* the journal's, in it; the recorder makes it */
extern char journal_path[];
extern int workers[WORKERS];	  /* the workers' ends */
extern struct counters *counters;
extern struct journal_settings settings; /* of the next start */
extern pid_t recorder;

/* The recorder has said that it is ready. */
void start_recorder(void);

/* Its status, as waitpid() has it. */
int wait_for_recorder(void);

/* After SIGTERM it must end well. */
void stop_recorder(int signal_number);

/* A worker says lines. */
void say(int worker, enum message_kind kind, const char *lines);

/* The whole file, valid until the next call; "" when it is not there. */
const char *content(const char *path);

/* Ten milliseconds. */
void rest(void);

/* Waits until the file holds the words; false when it never does. */
bool contains(const char *path, const char *words);

/* The journal's file of before; valid until the next call. */
char *rotated(unsigned number);

/* A client of RUN/journal: its socket. */
int ask(const char *request);

/* The next line, parsed; NULL at the end of the stream. */
json_t *next_line(int client);

/* A number of the line, which it releases. */
json_int_t number_of(json_t *line, const char *name);

/* What the recorder tells a worker next. */
struct message_header hear(int worker);
void assert_wanted(int worker, uint32_t wanted);

/* An event that is long and says its number; valid until the next call. */
char *padded_event(int n);
