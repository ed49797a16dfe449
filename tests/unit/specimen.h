/* A connection and an exchange that have something to say in every member, what record.c makes of them, and how to look
 * into it. */
#pragma once

#include <jansson.h>

#include "daemon/journal/record.h"

/* Everything that could hurt a line of JSON: quotes, controls, a newline, broken UTF-8, and NUL's
 * neighbours. */
#define HOSTILE "a\"b\\c\n\r\t\x01\x7f\xff\xc0\xaf\xed\xa0\x80<\xe2\x82\xac>"

extern char storage[RECORD_MAX];
extern struct text text; /* what is printed, in storage */
extern struct endpoint client;
extern struct endpoint server;
extern struct certificate_list *chain;
extern struct rule rule;
extern struct rule shadow;
extern struct upstream upstream;
extern struct exchange exchange;
extern struct connection_view view;

/* Set-up and tear-down: all of them as new. */
int specimen_begin(void **state);
int specimen_end(void **state);

/* The moment that is so many microseconds behind the connection's beginning. */
struct instant after(int64_t microseconds);

/* Certificates that say this string in every member. */
struct certificate_list *make_chain(size_t count, const char *string);

/* Strings in a head's text; a field of it. */
uint32_t put(struct head *head, const char *string);
/* As if a client's hello had offered these: the wire form of both lists, without zeros. */
void keep_offers(struct offers *offers, const char *ciphers, const char *protocols);

void put_field(struct head *head, const char *name, const char *value);
void end_head(struct head *head);

/* Prints one line and reads it as JSON; the test fails when it is not exactly one object. */
json_t *connection_line(void);
json_t *event_line(enum event_kind kind, const struct exchange *of);
json_t *exchange_line(bool with_headers);

/* Follows "server.certificate_list.0.subject"; NULL where that leads nowhere. */
json_t *at(json_t *line, const char *path);

void assert_word(json_t *line, const char *path, const char *word);
void assert_number(json_t *line, const char *path, double number);
void assert_null_at(json_t *line, const char *path);
