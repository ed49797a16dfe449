/* One line of a text file, found again by its number: to explain an entry of a list. */
#pragma once

#include <stddef.h>

enum { LINE_TEXT_MAX = 120 };

/* Writes the line, from 1, without blanks at its end and cut at LINE_TEXT_MAX bytes, into text.
 * Reads the file from its beginning. 0; -1 with errno, ENOENT when it has fewer lines. */
int line_text(int descriptor, unsigned line, char text[static LINE_TEXT_MAX + 1]);
