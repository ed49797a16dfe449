/* The table `inet headgate` in the kernel: load, remove, ask. libnftables runs in a short-lived
 * child, so that its memory goes back; the other two are single netlink messages. Needs
 * CAP_NET_ADMIN. */
#pragma once

#include <stdbool.h>

#define TABLE_NAME "headgate" /* in family inet */

enum { TABLE_MESSAGE = 1024 };

/* Runs commands of nft as one transaction. 0, or -1 with errno and what nft said in message
 * ("" on success); the kernel is then as it was. EPROTO: nft refused the text. Blocks up to 30 s.
 */
int table_load(const char *rules, char message[static TABLE_MESSAGE]);

/* Like table_load() without changing anything (`nft -c`): does the kernel know all the words? */
int table_check(const char *rules, char message[static TABLE_MESSAGE]);

/* Removes the table. 0 also when there was none; -1 with errno. */
int table_remove(void);

/* The same for another table of ours in family inet. */
int table_remove_named(const char *name);

enum table_state {
	TABLE_PRESENT,
	TABLE_ABSENT,  /* not there, or emptied of its rules */
	TABLE_UNKNOWN, /* the kernel did not say; errno is set */
};

enum table_state table_look(void);
