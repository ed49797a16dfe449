/* Words of one line of a list, cut in place. */
#pragma once

#include <stdbool.h>

/* The next word, ended with a NUL in place, and *rest behind it; NULL when there is none. */
char *words_next(char **rest);

/* Cuts a comment off: what follows '#', ';' or "//" at the start or after a blank, and a whole line
 * that begins with '!' or "--". */
void words_cut_comment(char *line);

/* First character that is no blank. */
char *words_skip_blanks(const char *line);

/* True when the line begins with the word, in any case, and a blank or the end follows. */
bool words_begin_with(const char *line, const char *word);

/* True for a name of two labels or more, "*." or "." before it allowed. */
bool words_are_dotted_name(const char *word);
