/* One value of an answer as people read it. Control characters never reach the terminal. */
#pragma once

#include <jansson.h>

/* The member of a line by a path ("client.peername"); NULL. */
json_t *member_at(const json_t *line, const char *path);

/* Replaces what could steer a terminal by '?', in place; returns text. */
char *disarm(char *text);

/* Each returns malloc'd text, or NULL for null, for no such member and when out of memory. */
typedef char *cell_print(const json_t *line, const char *member);

/* Strings as they are, numbers, yes and no; lists with commas. */
cell_print cell_value;

/* ["192.0.2.1", 443] as 192.0.2.1:443. */
cell_print cell_address;

/* A number of bytes: 1.2 MB. */
cell_print cell_bytes;

/* Milliseconds: 0.25 ms, 120 ms, 3.4 s, 2 h 10 min. */
cell_print cell_milliseconds;

/* Seconds: 34 s, 10 min 5 s, 2 h 10 min, 3 d 4 h. */
cell_print cell_seconds;

/* Seconds since 1970: the clock with microseconds, in this machine's zone. */
cell_print cell_clock;
