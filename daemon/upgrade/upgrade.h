/* `headgatectl upgrade`: a new image into the slot that does not run. */
#pragma once

/* Reads the image from the file, or from standard input when it is "-", checks it and writes it;
 * the next start tries it. Until the very last step nothing chooses what was written, so the power
 * may go at any moment. Says what it did or why not. Returns the exit status. */
int upgrade_from(const char *file);
