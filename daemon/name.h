/* Host names: one canonical form for rules, certificates and forwarding. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NAME_SIZE = 256 }; /* 253 characters, a NUL, and room */

/* Writes the canonical form of length bytes into name: lower-case A-labels, no trailing dot
 * (RFC 1035, RFC 5890). False, and name "", for anything that is not a host name: empty or
 * over-long labels, NUL, spaces, non-ASCII bytes, an IP literal, a colon. Underscores are taken. */
bool name_canonical(const void *bytes, size_t length, char name[static NAME_SIZE]);

/* Splits an authority "host", "host:port", "192.0.2.1:80", "[2001:db8::1]:443" (RFC 9110 section
 * 7.2). Host gets the canonical name or the printed IP literal, *port the port or 0. False when it is
 * none of these; user information is refused. */
bool name_authority(const void *bytes, size_t length, char host[static NAME_SIZE], uint16_t *port);

enum name_pattern_kind {
	NAME_EXACT,      /* example.com */
	NAME_SUBDOMAINS, /* *.example.com: below it only */
	NAME_TREE,       /* .example.com: itself and below */
};

/* Reads a pattern of the policy file into kind and the canonical name under it. False when it is no
 * name pattern. */
bool name_pattern_parse(const char *text, enum name_pattern_kind *kind, char name[static NAME_SIZE]);

/* True when the canonical name fits the pattern. */
bool name_matches(const char *name, enum name_pattern_kind kind, const char *pattern_name);
