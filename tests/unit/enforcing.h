/* The lists of a policy, put in force by the real compiler process, and what can be asked of them; files lie in
 * a folder of the test's own, in which it works. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/policy/config.h"

/* Group setup and teardown: makes the folder and goes there; removes it. */
int enforcing_begin(void **state);
int enforcing_end(void **state);

/* Writes a file anew. */
void put(const char *name, const char *text);
void put_bytes(const char *name, const void *bytes, size_t length);

/* "# a\nb.example\nc.example\n", packed by gzip. */
enum { PACKED_LENGTH = 36 };
extern const uint8_t packed[PACKED_LENGTH];

/* Two lists, drop.txt and ads.txt. */
extern const char both[];

/* What was said since the last load() or parse(), a line each: "FILE:LINE: warning: …". */
const char *messages(void);

/* Where that is noted: a config_report(). */
void note(void *context, enum severity severity, const struct place *place, const char *message);

/* A policy of this text behind `headgate` and `lan`; its lists are not in force yet. The caller releases it. */
struct policy *parse(const char *text);

/* The same, with its lists in force; directory as in collection_settings. */
struct policy *load(const char *text, const char *directory);

/* What the first list holds. */
bool has_address(const struct policy *policy, const char *text);
bool has_host(const struct policy *policy, const char *host);

/* The entry of the first list that holds the host or address, valid until the next call; "" for none. */
const char *explained(const struct policy *policy, const char *what);

/* 0 where there is no such file. */
ino_t inode_of(const char *path);

/* Waits until the file's last change can be told from the next: before, it has no stamp. */
void let_settle(const char *name);
