/* The word that opens the console: a file in the state directory, made when it is first needed, for the owner to see
 * and to replace. */
#pragma once

enum { CONSOLE_TOKEN_MIN = 16, CONSOLE_TOKEN_SIZE = 129 };

/* Reads the token of a state directory, or makes one of 128 random bits. 0, or -1 with a logged cause. */
int console_token_read(const char *directory, char token[static CONSOLE_TOKEN_SIZE]);
