/* The slots of a box: where each lies, which one runs, and the entries from which the next start
 * chooses (Boot Loader Specification). An entry headgate-b+3.conf has three tries; headgate-b.conf
 * is good. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { SLOT_PATH = 256, SLOT_TRIES = 3 };

struct slots {
	char running; /* 'a' or 'b' */
	char other;
	char root[SLOT_PATH]; /* device of the other's root */
	char boot[SLOT_PATH]; /* device of the boot partition */
	bool loader;	      /* a boot loader chooses the kernel: it is part of a slot */
};

/* Finds out; false, after saying so, on a machine that is no box. */
bool slots_find(struct slots *slots);

/* Mounts the boot partition for writing, and takes it away again; 0, or -1 with errno. */
int slots_open_boot(const struct slots *slots);
int slots_close_boot(void);

/* Removes every entry of the other slot: what is about to be written must not be chosen. */
int slots_forget(const struct slots *slots);

/* Writes the other slot's entry, after everything that it names: as the running one's, newer, with
 * SLOT_TRIES tries. */
int slots_offer(const struct slots *slots, const char *version);

/* The path of a file of the other slot on the mounted boot partition. */
void slots_path(const struct slots *slots, const char *file, char path[static SLOT_PATH]);
