#include "daemon/resolver.h"

#include <event2/dns.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/nameservers.h"

enum { FILE_MAX = 1 << 20 }; /* bytes read of resolv.conf and of the hosts file */

enum { IPV4, IPV6, FAMILIES };

/* One family's question to the nameservers. libevent calls back also for a cancelled one, and once
 * the base is freed: it outlives its lookup. */
struct question {
	struct lookup *lookup; /* NULL: nobody wants it any more */
	struct evdns_request *request;
	unsigned family;
};

/* A name that was asked for: in flight, or known. */
struct lookup {
	struct resolver *resolver;
	struct lookup *next;
	char host[NAME_SIZE];
	struct resolver_wait *waits;
	struct question *questions[FAMILIES]; /* in flight */
	struct resolved fresh;		      /* what this question has brought so far */
	struct resolved known;		      /* what the last finished one did */
	int64_t known_until;		      /* steady microseconds */
	int64_t stale_until;
	unsigned ttl;	       /* seconds, the least of this question's answers */
	bool failed;	       /* a nameserver could not be asked */
	struct event patience; /* for the second family */
};

struct resolver {
	struct event_base *base;
	struct evdns_base *dns;
	char *hosts;
	size_t hosts_length;
	struct lookup *lookups;
	size_t count;
};

/* The system's files */

static char *read_file(int descriptor, size_t *length)
{
	char *bytes = descriptor < 0 ? NULL : malloc(FILE_MAX);
	ssize_t got = 1;

	*length = 0;
	while (bytes && got > 0 && *length < FILE_MAX) {
		got = read(descriptor, bytes + *length, FILE_MAX - *length);
		*length += got > 0 ? (size_t)got : 0;
	}
	if (bytes && *length) {
		char *fitting = realloc(bytes, *length);

		return fitting ? fitting : bytes;
	}
	free(bytes);
	return NULL;
}

static void use_nameservers(struct resolver *resolver, const char *text, size_t length)
{
	struct nameservers nameservers;

	nameservers_parse(&nameservers, text ? text : "", length);
	for (size_t i = 0; i < nameservers.count; i++) {
		struct sockaddr_storage server;
		socklen_t size = address_to_socket(&nameservers.servers[i], AF_UNSPEC, &server);

		if (evdns_base_nameserver_sockaddr_add(resolver->dns, (struct sockaddr *)&server,
						       size, 0) != 0)
			log_warning("a nameserver of resolv.conf cannot be used");
	}
	evdns_base_search_clear(resolver->dns);
	for (size_t i = nameservers.search_count; i-- > 0;)
		evdns_base_search_add(resolver->dns, nameservers.searches[i]);
	evdns_base_search_ndots_set(resolver->dns, (int)nameservers.dots);
}

static void take_files(struct resolver *resolver, int resolv_conf, int hosts)
{
	size_t length;
	char *text = read_file(resolv_conf, &length);

	use_nameservers(resolver, text, length);
	free(text);
	free(resolver->hosts);
	resolver->hosts = read_file(hosts, &resolver->hosts_length);
}

struct resolver *resolver_new(struct event_base *base)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));
	int resolv_conf, hosts;

	if (!resolver)
		return NULL;
	resolver->base = base;
	resolver->dns = evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	if (!resolver->dns) {
		free(resolver);
		return NULL;
	}
	evdns_base_set_option(resolver->dns, "timeout", "2");
	evdns_base_set_option(resolver->dns, "attempts", "3");
	resolv_conf = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC);
	hosts = open("/etc/hosts", O_RDONLY | O_CLOEXEC);
	take_files(resolver, resolv_conf, hosts);
	if (resolv_conf >= 0)
		close(resolv_conf);
	if (hosts >= 0)
		close(hosts);
	return resolver;
}

/* Answers */

/* Gives a question back to libevent, which frees it by its callback. */
static void abandon(struct question *question)
{
	question->lookup = NULL;
	if (question->request)
		evdns_cancel_request(NULL, question->request);
}

static bool in_flight(const struct lookup *lookup)
{
	return lookup->questions[IPV4] || lookup->questions[IPV6];
}

static void tell(struct lookup *lookup, const struct resolved *resolved)
{
	struct resolved copy = *resolved;

	while (lookup->waits) {
		struct resolver_wait *wait = lookup->waits;

		lookup->waits = wait->next;
		wait->lookup = NULL;
		wait->done(wait->context, &copy);
	}
}

static void keep(struct lookup *lookup)
{
	int64_t now = clock_steady();
	int64_t ttl = MIN(MAX(lookup->ttl, RESOLVER_TTL_LEAST), RESOLVER_TTL_MOST);

	if (lookup->fresh.count) {
		lookup->known = lookup->fresh;
		lookup->known_until = now + ttl * 1000000;
		lookup->stale_until = now + RESOLVER_STALE_SECONDS * 1000000LL;
		return;
	}
	/* A nameserver that fails does not undo what it said before. */
	if (!lookup->failed || now > lookup->stale_until)
		lookup->known.count = 0;
	lookup->known_until = now + RESOLVER_TTL_NONE * 1000000LL;
}

static void finish(struct lookup *lookup)
{
	evtimer_del(&lookup->patience);
	keep(lookup);
	tell(lookup, &lookup->known);
}

static void out_of_patience(evutil_socket_t fd, short what, void *argument)
{
	(void)fd;
	(void)what;
	/* The other family may still come, for those who ask later. */
	keep(argument);
	tell(argument, &((struct lookup *)argument)->known);
}

static void add_answers(struct resolved *resolved, unsigned family, int count,
			const void *addresses)
{
	for (int i = 0; i < count && resolved->count < RESOLVED_MAX; i++) {
		struct address *address = &resolved->addresses[resolved->count++];

		memset(address, 0, sizeof(*address));
		address->family = family == IPV4 ? AF_INET : AF_INET6;
		memcpy(address->bytes, (const char *)addresses + (size_t)i * address_width(address),
		       address_width(address));
	}
}

static void answered(int result, char type, int count, int ttl, void *addresses, void *argument)
{
	struct question *question = argument;
	struct lookup *lookup = question->lookup;
	unsigned family = question->family;
	const struct timeval wait = { .tv_usec = RESOLVER_SECOND_FAMILY * 1000 };

	(void)type;
	free(question);
	if (!lookup)
		return;
	lookup->questions[family] = NULL;
	if (result == DNS_ERR_NONE && count > 0) {
		/* At most half for the first family, so that both can be tried. */
		add_answers(&lookup->fresh, family, MIN(count, RESOLVED_MAX / 2), addresses);
		if (ttl >= 0 && (unsigned)ttl < lookup->ttl)
			lookup->ttl = (unsigned)ttl;
	} else if (result != DNS_ERR_NONE && result != DNS_ERR_NOTEXIST &&
		   result != DNS_ERR_NODATA) {
		lookup->failed = true;
	}
	if (!in_flight(lookup))
		finish(lookup);
	else if (lookup->fresh.count)
		evtimer_add(&lookup->patience, &wait);
}

/* Questions */

static void ask_family(struct lookup *lookup, unsigned family)
{
	struct evdns_base *dns = lookup->resolver->dns;
	struct question *question = calloc(1, sizeof(*question));
	struct evdns_request *request;

	if (!question) {
		lookup->failed = true;
		return;
	}
	question->lookup = lookup;
	question->family = family;
	lookup->questions[family] = question;
	request = family == IPV4
			  ? evdns_base_resolve_ipv4(dns, lookup->host, 0, answered, question)
			  : evdns_base_resolve_ipv6(dns, lookup->host, 0, answered, question);
	if (request) {
		/* It may have been answered, and freed, already. */
		if (lookup->questions[family] == question)
			question->request = request;
		return;
	}
	lookup->questions[family] = NULL;
	lookup->failed = true;
	free(question);
}

static void begin(struct lookup *lookup)
{
	struct resolver *resolver = lookup->resolver;

	memset(&lookup->fresh, 0, sizeof(lookup->fresh));
	lookup->failed = false;
	lookup->ttl = RESOLVER_TTL_MOST;
	lookup->fresh.count =
		hosts_find(resolver->hosts ? resolver->hosts : "", resolver->hosts_length,
			   lookup->host, lookup->fresh.addresses, RESOLVED_MAX);
	if (lookup->fresh.count) {
		finish(lookup);
		return;
	}
	ask_family(lookup, IPV6);
	ask_family(lookup, IPV4);
	if (!in_flight(lookup))
		finish(lookup);
}

static void drop(struct lookup *lookup)
{
	struct lookup **link = &lookup->resolver->lookups;

	while (*link != lookup)
		link = &(*link)->next;
	*link = lookup->next;
	lookup->resolver->count--;
	for (unsigned i = 0; i < FAMILIES; i++)
		if (lookup->questions[i])
			abandon(lookup->questions[i]);
	evtimer_del(&lookup->patience);
	free(lookup);
}

/* Room is made by the one known longest of those that nobody waits for. */
static void make_room(struct resolver *resolver)
{
	struct lookup *oldest = NULL;

	if (resolver->count < RESOLVER_NAMES_MAX)
		return;
	for (struct lookup *one = resolver->lookups; one; one = one->next)
		if (!one->waits && (!oldest || one->known_until < oldest->known_until))
			oldest = one;
	if (oldest)
		drop(oldest);
}

static struct lookup *add(struct resolver *resolver, const char *host)
{
	struct lookup *lookup;

	make_room(resolver);
	lookup = resolver->count < RESOLVER_NAMES_MAX ? calloc(1, sizeof(*lookup)) : NULL;
	if (!lookup)
		return NULL;
	lookup->resolver = resolver;
	strncpy(lookup->host, host, sizeof(lookup->host) - 1);
	evtimer_assign(&lookup->patience, resolver->base, out_of_patience, lookup);
	lookup->next = resolver->lookups;
	resolver->lookups = lookup;
	resolver->count++;
	return lookup;
}

static struct lookup *find(const struct resolver *resolver, const char *host)
{
	struct lookup *lookup = resolver->lookups;

	while (lookup && strcmp(lookup->host, host) != 0)
		lookup = lookup->next;
	return lookup;
}

void resolver_ask(struct resolver *resolver, const char *host, struct resolver_wait *wait)
{
	static const struct resolved nothing;
	struct lookup *lookup = find(resolver, host);

	if (!lookup)
		lookup = add(resolver, host);
	if (!lookup) {
		wait->done(wait->context, &nothing);
		return;
	}
	if (lookup->known_until > clock_steady()) {
		wait->done(wait->context, &lookup->known);
		return;
	}
	wait->lookup = lookup;
	wait->next = lookup->waits;
	lookup->waits = wait;
	if (!in_flight(lookup))
		begin(lookup);
}

void resolver_cancel(struct resolver_wait *wait)
{
	struct resolver_wait **link;

	if (!wait->lookup)
		return;
	for (link = &wait->lookup->waits; *link != wait; link = &(*link)->next)
		;
	*link = wait->next;
	wait->lookup = NULL;
}

void resolver_renew(struct resolver *resolver, int resolv_conf, int hosts)
{
	evdns_base_clear_nameservers_and_suspend(resolver->dns);
	take_files(resolver, resolv_conf, hosts);
	evdns_base_resume(resolver->dns);
	for (struct lookup *one = resolver->lookups; one; one = one->next)
		one->known_until = 0;
}

void resolver_free(struct resolver *resolver)
{
	if (!resolver)
		return;
	while (resolver->lookups)
		drop(resolver->lookups);
	evdns_base_free(resolver->dns, 1);
	free(resolver->hosts);
	free(resolver);
}
