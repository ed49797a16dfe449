/* A file that takes the place of another in one step: written beside it, synced, renamed. Whatever
 * interrupts, the place holds the old file or the whole new one. */
#pragma once

/* Opens path.new, empty, for reading and writing by its owner alone. Its descriptor; -1 with errno.
 */
int publication_open(const char *path);

/* Syncs what was written to the descriptor, which stays open, and gives it path's place, readable
 * by all. 0, or -1 with errno and path as it was. */
int publication_finish(const char *path, int descriptor);

/* Removes path.new. */
void publication_drop(const char *path);

/* Ends what was opened and closes the descriptor. written: 0, and the file takes path's place; -1, it could not be
 * written. 0, or -1 with errno, path as it was and nothing beside it. */
int publication_end(const char *path, int descriptor, int written);
