/* What there is to know about one certificate of a chain, as plain facts: the journal's
 * certificate_list and the `certificate` condition read it; tls/x509.c fills it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct certificate {
	char *subject; /* RFC 2253 one-line forms */
	char *issuer;
	char *serial;         /* hexadecimal */
	char *names;          /* SANs, comma separated: "a.example, b.example, 192.0.2.1"; "" for none */
	char *key_type;       /* "EC", "RSA", "Ed25519" */
	unsigned key_bits;
	int64_t not_before;   /* seconds since 1970 */
	int64_t not_after;
	uint8_t sha256[32];
	bool self_signed;
};

/* A chain as the peer sent it, leaf first. Written once and then shared by all who showed the same. */
struct certificate_list {
	unsigned holders;
	size_t count; /* at most CERTIFICATES_MAX; longer chains are cut for the journal */
	struct certificate certificates[];
};

enum { CERTIFICATES_MAX = 8 };

/* The last holder frees the list and all its strings. NULL is fine for both. */
struct certificate_list *certificate_list_hold(struct certificate_list *list);
void certificate_list_release(struct certificate_list *list);

/* By the given time in seconds since 1970. */
bool certificate_expired(const struct certificate *certificate, int64_t now);
bool certificate_not_yet_valid(const struct certificate *certificate, int64_t now);
