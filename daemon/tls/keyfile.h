/* Small precious files: written so that a power cut leaves the old one or the new one, never half
 * of one; read so that a key which others could have read is refused. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* Writes directory/name with exactly this mode: temporary file, fsync, rename, fsync of the
 * directory. 0; -1 with errno. */
int keyfile_write(const char *directory, const char *name, mode_t mode, const void *bytes,
		  size_t length);

/* Reads directory/name, at most max bytes, into a malloc'd, NUL-terminated text that keyfile_free()
 * wipes. NULL with errno (EFBIG: longer than max). A symbolic link is not followed. */
char *keyfile_read(const char *directory, const char *name, size_t max, size_t *length);
void keyfile_free(char *bytes, size_t length);

/* 0 when directory/name (name "": the directory itself) belongs to us and gives nobody else any
 * right; -1 with errno, and with the mending command logged where that was the reason. */
int keyfile_check_private(const char *directory, const char *name);
