#include "daemon/console/reception.h"

#include <openssl/crypto.h>
#include <string.h>
#include <strings.h>

#include "daemon/address.h"
#include "daemon/tls/digest.h"

static struct reception refuse(unsigned status, const char *sentence)
{
	return (struct reception){ .status = status, .sentence = sentence };
}

static bool is_called_rightly(const char *host, const char *const *names)
{
	struct address address;

	if (address_parse(&address, host) == 0 || strcmp(host, "localhost") == 0)
		return true;
	for (; *names; names++)
		if (strcmp(host, *names) == 0)
			return true;
	return false;
}

/* Browsers say where a request comes from when it is not the user's own doing (Fetch Standard, "Origin"). */
static bool comes_from_elsewhere(const struct head *request)
{
	const char *origin = head_find(request, "origin", 0);
	const char *site = head_find(request, "sec-fetch-site", 0);
	const char *place = origin ? strstr(origin, "://") : NULL;

	if (origin && (!place || strcasecmp(place + 3, head_text(request, request->authority)) != 0))
		return true;
	return site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0;
}

static const char *shown_token(const struct head *request)
{
	static const char scheme[] = "Bearer ";
	const char *value = head_find(request, "authorization", 0);

	return value && strncasecmp(value, scheme, strlen(scheme)) == 0 ? value + strlen(scheme)
									: NULL;
}

static bool is_token(const char *token, const char *digest)
{
	char hex[DIGEST_HEX_SIZE];

	digest_hex(token, hex);
	return strlen(hex) == strlen(digest) && *hex &&
	       CRYPTO_memcmp(hex, digest, strlen(digest)) == 0;
}

/* What is asked for, by whatever name, in whatever way. */
static struct reception find(const struct head *request, const char *const *names)
{
	const char *method = head_text(request, request->method);
	struct reception reception = { .resource = NULL };

	if (!is_called_rightly(request->host, names))
		return refuse(421, "this name is not the console's; its owner may add it under "
				   "\"names\", or call it by its address");
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return refuse(405, "the console can be looked at and nothing else");
	reception.resource = resource_find(head_text(request, request->path));
	return reception.resource ? reception : refuse(404, "there is nothing here");
}

struct reception reception_judge(const struct head *request, const char *digest,
				 const char *const *names)
{
	const char *token = shown_token(request);
	struct reception reception = find(request, names);

	if (!reception.resource || !resource_is_private(reception.resource))
		return reception;
	if (comes_from_elsewhere(request))
		return refuse(403, "this was asked for by another page");
	reception.known = token && is_token(token, digest);
	if (reception.known)
		return reception;
	reception = refuse(401, "the token is missing or wrong; `headgatectl console` shows it");
	reception.wrong = token != NULL;
	return reception;
}

struct reception reception_judge_exposed(const struct head *request, const char *const *names)
{
	struct reception reception = find(request, names);

	if (!reception.resource || !resource_is_private(reception.resource))
		return reception;
	return refuse(403, "this is shown over TLS alone: https");
}
