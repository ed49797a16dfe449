/* Names under which anybody may register (co.uk), from the Public Suffix List as libpsl finds it on
 * this machine. A wildcard of one would be a certificate for all of them. */
#pragma once

#include <stdbool.h>

/* Reads the list while there is a file system to read it from. Once is enough; later calls do
 * nothing. */
void public_suffix_load(void);

/* True when the canonical name is a public suffix of ICANN's part of the list. Suffixes of private
 * owners (github.io) are theirs to certify. */
bool public_suffix_is(const char *name);
