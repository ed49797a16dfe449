/* A DNS message (RFC 1035, EDNS: RFC 6891, HTTPS and SVCB: RFC 9460), as it travels over port 53.
 * Pure; spans point into the caller's bytes. */
#pragma once

#include "daemon/address.h"
#include "daemon/name.h"
#include "daemon/reader.h"

enum {
	DNS_A = 1,
	DNS_CNAME = 5,
	DNS_AAAA = 28,
	DNS_OPT = 41,
	DNS_RRSIG = 46,
	DNS_SVCB = 64,
	DNS_HTTPS = 65,
	DNS_CLASS_IN = 1,
	DNS_NXDOMAIN = 3,
	DNS_RECORDS_MAX = 512, /* of one message that are looked at */
};

/* What a message asks, and where its records are. */
struct dns_message {
	struct span whole;
	uint16_t id;
	bool answer;	      /* not a query */
	uint8_t operation;    /* 0: standard query */
	uint8_t result;	      /* RCODE, without EDNS's upper bits */
	char name[NAME_SIZE]; /* of the question, canonical; "" when it is no host name (a service's
				 "_x._tcp" is one, a name with spaces is not) */
	uint16_t type;	      /* of the question */
	uint16_t class;
	size_t question_end; /* offset behind the question */
	unsigned counts[3];  /* answers, authorities, additionals */
	bool edns;
	bool dnssec; /* the DO bit is set (RFC 3225): who asks may verify signatures */
};

struct dns_record {
	char name[NAME_SIZE]; /* canonical; "" when it is no host name */
	uint16_t type;
	uint16_t class;
	uint32_t ttl; /* seconds */
	struct span data;
};

/* Reads the header and the question, and looks for EDNS among the records. False: not a message
 * with one question that can be read to its end. */
bool dns_parse(const uint8_t *bytes, size_t length, struct dns_message *message);

/* Walks over the records behind the question, of all sections: each() returns true to stop. False
 * when a record cannot be read. */
bool dns_each_record(const struct dns_message *message,
		     bool (*each)(const struct dns_record *record, void *context), void *context);

/* The address in an A or AAAA record; false for any other. */
bool dns_record_address(const struct dns_record *record, struct address *address);

/* Writes the answer "there is no such name" to a query: header and question as asked, and an OPT
 * record where it had one. Returns its length, 0 when it does not fit size. */
size_t dns_print_nxdomain(const struct dns_message *query, uint8_t *out, size_t size);

/* Writes an answer with these addresses, as far as they are of the type that is asked for (A, AAAA), to be kept
 * for a minute; for any other type, one that says there is nothing of it. Returns its length, 0 when it does not
 * fit size. */
size_t dns_print_addresses(const struct dns_message *query, const struct address *addresses, size_t count,
			   uint8_t *out, size_t size);

/* Whether it asks for records that dns_strip() could change (HTTPS, SVCB). */
static inline bool dns_asks_services(const struct dns_message *query)
{
	return query->type == DNS_HTTPS || query->type == DNS_SVCB;
}

enum dns_strip { DNS_STRIP_ECH = 1, DNS_STRIP_H3 = 2 };

enum dns_stripping {
	DNS_UNCHANGED,
	DNS_STRIPPED,
	DNS_SIGNED,    /* there was something to take out, but its signature would no longer hold */
	DNS_ENTANGLED, /* something else pointed into what was taken out: do not send the bytes on
			*/
};

/* Takes parameters out of HTTPS and SVCB records, in place. The length of the message stays what it
 * was, so that no compression pointer moves: what goes is replaced by a parameter and by protocol
 * names that nobody knows (RFC 9460 section 14.3.1: private use; RFC 8701). The AD bit goes too. */
enum dns_stripping dns_strip(uint8_t *bytes, size_t length, unsigned what);
