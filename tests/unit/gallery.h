/* One table of server certificates, good and bad, each with the id of the check it belongs to
 * (docs/tls.md) and the reason it must be refused for. Everything is made from it in memory. */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#include "daemon/reason.h"

enum gallery_key {
	KEY_P256,
	KEY_P384,
	KEY_RSA2048,
	KEY_RSA4096,
	KEY_ED25519,
	KEY_RSA512,
	KEY_RSA768,
	KEY_RSA1016,
	KEY_RSA1024,
	KEY_P192,
	KEY_EXPLICIT,
	KEY_COUNT
};

/* What is left out is as a good certificate has it; "-" leaves an extension away. Values are as in
 * openssl.cnf. */
struct plate {
	bool made;
	enum gallery_key key;
	const char *subject;	 /* of an intermediate or root; "" none */
	const char *names;	 /* subjectAltName */
	const char *basic;	 /* basicConstraints */
	const char *usage;	 /* keyUsage */
	const char *extended;	 /* extendedKeyUsage */
	const char *constraints; /* nameConstraints */
	const char *other;	 /* OID:VALUE */
	const char *serial;	 /* hexadecimal */
	const char *digest;	 /* of its signature */
	long begin, end;	 /* seconds from now; 0: yesterday, in ten days */
	bool version1;
	bool no_identifier; /* no authority key identifier */
	bool broken;	    /* its signature */
	bool self_signed;
	size_t name_count; /* so many more names */
};

enum gallery_root {
	ROOT_GOOD,
	ROOT_UNTRUSTED,
	ROOT_IMPOSTOR,	  /* the good one's name, another key */
	ROOT_OURS,	  /* the gateway's own authority, installed among the trusted */
	ROOT_EXPIRED,	  /* trusted once */
	ROOT_CONSTRAINED, /* may sign below example.com only */
	ROOT_CASUAL,	  /* a home-made one: constraints not critical, no identifiers */
	ROOT_COUNT
};

enum gallery_order { ORDER_RIGHT, ORDER_REVERSED, ORDER_DOUBLED, ORDER_JUNK, ORDER_LEAF_ALONE };

enum gallery_staple {
	STAPLE_NONE,
	STAPLE_GOOD,
	STAPLE_REVOKED,
	STAPLE_EXPIRED,
	STAPLE_OTHER, /* about another certificate */
	STAPLE_BROKEN,
	STAPLE_FOREIGN,	  /* signed by a stranger */
	STAPLE_APPOINTED, /* revoked, signed by whom the issuer appointed */
	STAPLE_UNAPPOINTED /* the same without the right to */
};

enum gallery_revocations { LISTS_NONE, LISTS_CURRENT, LISTS_REVOKING, LISTS_REVOKING_ISSUER,
			   LISTS_EXPIRED, LISTS_BROKEN };

struct exhibit {
	const char *id;
	const char *shows;
	enum reason reason;
	const char *host; /* asked for; NULL: www.example.com; "": by address, 192.0.2.7 */
	struct plate leaf;
	struct plate above[3]; /* intermediates, from the leaf upwards */
	enum gallery_root root;
	enum gallery_order order;
	enum gallery_staple staple;
	enum gallery_revocations lists;
	bool wants_status;
	int version; /* of TLS; 0: any */
};

extern const struct exhibit gallery[];
extern const size_t gallery_count;

/* What an exhibit becomes. */
struct scenery {
	STACK_OF(X509) *chain; /* as the server shows it */
	EVP_PKEY *key;
	unsigned char *staple;
	int staple_length;
	char *trust_pem; /* what the gateway trusts */
	char *our_pem;	 /* the gateway's own authority */
};

/* Keys and roots, made once. */
void gallery_begin(void);
void gallery_end(void);

struct scenery gallery_make(const struct exhibit *exhibit);
void scenery_end(struct scenery *scenery);
