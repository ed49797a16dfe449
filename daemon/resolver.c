#include "daemon/resolver.h"

#include <event2/dns.h>
#include <event2/util.h>
#include <stdlib.h>
#include <string.h>

struct resolver {
	struct evdns_base *dns;
};

/* Lives until libevent has called back, which it does also for a cancelled question. */
struct question {
	struct evdns_getaddrinfo_request *request;
	struct resolver_wait *wait; /* NULL: cancelled */
	sa_family_t preferred;
	bool asking; /* evdns_getaddrinfo() has not returned yet */
	bool answered;
};

struct resolver *resolver_new(struct event_base *base)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));

	if (!resolver)
		return NULL;
	resolver->dns = evdns_base_new(base, EVDNS_BASE_INITIALIZE_NAMESERVERS |
						     EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	if (!resolver->dns)
		/* No resolv.conf: names stay unresolved, everything else works. */
		resolver->dns = evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	if (!resolver->dns) {
		free(resolver);
		return NULL;
	}
	evdns_base_set_option(resolver->dns, "timeout", "3");
	evdns_base_set_option(resolver->dns, "attempts", "2");
	return resolver;
}

void resolver_free(struct resolver *resolver)
{
	if (!resolver)
		return;
	evdns_base_free(resolver->dns, 0);
	free(resolver);
}

static bool choose(const struct evutil_addrinfo *answers, sa_family_t preferred,
		   struct address *address)
{
	const struct evutil_addrinfo *chosen = answers;

	for (const struct evutil_addrinfo *one = answers; one; one = one->ai_next) {
		if (one->ai_family == preferred) {
			chosen = one;
			break;
		}
	}
	return chosen && address_from_socket(address, chosen->ai_addr) == 0;
}

static void answered(int error, struct evutil_addrinfo *answers, void *argument)
{
	struct question *question = argument;
	struct resolver_wait *wait = question->wait;
	struct address address;
	bool found = !error && choose(answers, question->preferred, &address);

	if (answers)
		evutil_freeaddrinfo(answers);
	question->answered = true;
	if (!question->asking)
		free(question);
	if (!wait)
		return;
	wait->request = NULL;
	wait->done(wait->context, found ? &address : NULL);
}

void resolver_ask(struct resolver *resolver, const char *host, sa_family_t preferred,
		  struct resolver_wait *wait)
{
	const struct evutil_addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct question *question = calloc(1, sizeof(*question));

	if (!question) {
		wait->done(wait->context, NULL);
		return;
	}
	question->wait = wait;
	question->preferred = preferred;
	question->asking = true;
	wait->request = question;
	question->request =
		evdns_getaddrinfo(resolver->dns, host, NULL, &hints, answered, question);
	question->asking = false;
	if (question->answered)
		free(question);
}

void resolver_cancel(struct resolver_wait *wait)
{
	struct question *question = wait->request;

	if (!question)
		return;
	wait->request = NULL;
	question->wait = NULL;
	if (question->request)
		evdns_getaddrinfo_cancel(question->request);
}
