#include "daemon/tls/sessions.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/tls/shelf.h"
#include "daemon/tls/x509.h"

struct kept {
	SSL_SESSION *session;
	int64_t verified;
};

/* All sessions of one key, the newest last. */
struct visits {
	struct shelf_item item;
	size_t count;
	struct kept kept[SESSIONS_PER_ORIGIN];
};

struct session_cache {
	struct shelf *shelf;
};

static void drop(struct shelf_item *item)
{
	struct visits *visits = (struct visits *)item;

	for (size_t i = 0; i < visits->count; i++)
		SSL_SESSION_free(visits->kept[i].session);
	free(visits);
}

struct session_cache *sessions_new(size_t room)
{
	struct session_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	cache->shelf = shelf_new(room, drop);
	if (!cache->shelf) {
		free(cache);
		return NULL;
	}
	return cache;
}

void sessions_free(struct session_cache *cache)
{
	if (!cache)
		return;
	shelf_free(cache->shelf);
	free(cache);
}

void sessions_clear(struct session_cache *cache)
{
	shelf_clear(cache->shelf);
}

int session_key(const struct session_subject *subject, uint8_t key[static DIGEST_SIZE])
{
	const struct address *address = subject->address;
	const struct span parts[] = {
		digest_object(address->bytes, address_width(address)),
		digest_object(&address->port, sizeof(address->port)),
		digest_object(&address->scope, sizeof(address->scope)),
		digest_string(subject->name ? subject->name : ""),
		digest_object(subject->alpn, subject->alpn_length),
		digest_object(&subject->generation, sizeof(subject->generation)),
		digest_object(subject->trust, DIGEST_SIZE),
		digest_object(&subject->wants_status, sizeof(subject->wants_status)),
	};

	return digest_parts(parts, sizeof(parts) / sizeof(parts[0]), key);
}

static void forget(struct visits *visits, size_t index)
{
	visits->count--;
	memmove(&visits->kept[index], &visits->kept[index + 1],
		(visits->count - index) * sizeof(visits->kept[0]));
}

void sessions_put(struct session_cache *cache, const uint8_t key[static DIGEST_SIZE],
		  SSL_SESSION *session, int64_t verified)
{
	struct visits *visits = (struct visits *)shelf_find(cache->shelf, key);

	if (!visits) {
		visits = calloc(1, sizeof(*visits));
		if (!visits) {
			SSL_SESSION_free(session);
			return;
		}
		memcpy(visits->item.key, key, DIGEST_SIZE);
		shelf_put(cache->shelf, &visits->item);
	}
	if (visits->count == SESSIONS_PER_ORIGIN) {
		SSL_SESSION_free(visits->kept[0].session);
		forget(visits, 0);
	}
	visits->kept[visits->count++] = (struct kept){ session, verified };
}

/* Nothing is resumed past the end of the certificate it rests on, nor when the clock was set back
 * behind the verification. */
static bool is_good(const struct kept *kept, int64_t now)
{
	const X509 *certificate = SSL_SESSION_get0_peer(kept->session);
	int64_t lifetime = SSL_SESSION_get_timeout(kept->session);
	int64_t begin = SSL_SESSION_get_time(kept->session);
	int64_t not_before, not_after;

	if (!certificate || x509_validity(certificate, &not_before, &not_after) < 0)
		return false;
	return SSL_SESSION_is_resumable(kept->session) && now >= kept->verified &&
	       now < kept->verified + SESSION_SECONDS && now < begin + lifetime &&
	       now >= not_before && now < not_after;
}

/* Takes the newest session off, or counts a reference where it may be used again. NULL when it is
 * no longer good. */
static SSL_SESSION *take_newest(struct visits *visits, int64_t now, int64_t *verified)
{
	const struct kept newest = visits->kept[visits->count - 1];
	bool good = is_good(&newest, now);

	*verified = newest.verified;
	if (good && SSL_SESSION_get_protocol_version(newest.session) < TLS1_3_VERSION) {
		SSL_SESSION_up_ref(newest.session);
		return newest.session;
	}
	forget(visits, visits->count - 1);
	if (good)
		return newest.session;
	SSL_SESSION_free(newest.session);
	return NULL;
}

SSL_SESSION *sessions_take(struct session_cache *cache, const uint8_t key[static DIGEST_SIZE],
			   int64_t now, int64_t *verified)
{
	struct visits *visits = (struct visits *)shelf_find(cache->shelf, key);
	SSL_SESSION *session = NULL;

	if (!visits)
		return NULL;
	while (visits->count > 0 && !session)
		session = take_newest(visits, now, verified);
	if (visits->count == 0) {
		shelf_remove(cache->shelf, &visits->item);
		drop(&visits->item);
	}
	return session;
}

size_t sessions_count(const struct session_cache *cache)
{
	return shelf_count(cache->shelf);
}
