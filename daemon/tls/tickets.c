#include "daemon/tls/tickets.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>
#include <sys/random.h>

static int64_t period_of(int64_t now)
{
	return now / ((int64_t)TICKET_PERIOD_SECONDS * 1000000);
}

int tickets_begin(struct tickets *tickets, int64_t now)
{
	ssize_t got = getrandom(tickets->keys, sizeof(tickets->keys), 0);

	tickets->period = period_of(now);
	if (got == (ssize_t)sizeof(tickets->keys))
		return 0;
	if (got >= 0)
		errno = EAGAIN;
	return -1;
}

/* One digest of all the keys for each part of the next, told apart by its number. */
static void step(struct tickets *tickets)
{
	uint8_t source[TICKET_KEYS_SIZE + 1], digest[SHA256_DIGEST_LENGTH];
	size_t filled = 0;

	memcpy(source, tickets->keys, TICKET_KEYS_SIZE);
	for (uint8_t part = 0; filled < TICKET_KEYS_SIZE; part++) {
		size_t length = TICKET_KEYS_SIZE - filled;

		source[TICKET_KEYS_SIZE] = part;
		SHA256(source, sizeof(source), digest);
		if (length > sizeof(digest))
			length = sizeof(digest);
		memcpy(tickets->keys + filled, digest, length);
		filled += length;
	}
	OPENSSL_cleanse(source, sizeof(source));
	OPENSSL_cleanse(digest, sizeof(digest));
	tickets->period++;
}

bool tickets_turn(struct tickets *tickets, int64_t now)
{
	bool changed = tickets->period < period_of(now);

	while (tickets->period < period_of(now))
		step(tickets);
	return changed;
}
