#include "daemon/fetch/transfer.h"

#include <curl/curl.h>
#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "daemon/address.h"

enum {
	CONNECT_SECONDS = 10,
	SLOW_BYTES = 100, /* in each second; less for SLOW_SECONDS is given up */
	SLOW_SECONDS = 10,
	ADDRESSES_MAX = 4, /* tried of one host */
	HEADERS_MAX = 65536,
};

/* One request to one URL. */
struct hop {
	const struct errand_order *order;
	struct errand_report *report;
	CURL *curl;
	int output;
	uint64_t written;
	size_t header_bytes;
	long status;
	bool full; /* the file is larger than it may be */
	int error; /* of writing */
	char *location;
	char words[CURL_ERROR_SIZE];
	char host[256];
	char port[8];
};

static void fail(struct errand_report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void fail(struct errand_report *report, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report->outcome = ERRAND_FAILED;
	vsnprintf(report->message, sizeof report->message, format, arguments);
	va_end(arguments);
}

int transfer_begin(void)
{
	return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : -1;
}

/* The body */

static int write_all(struct hop *hop, const char *bytes, size_t length)
{
	while (length) {
		ssize_t written = write(hop->output, bytes, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0) {
			hop->error = errno;
			return -1;
		}
		bytes += written;
		length -= (size_t)written;
	}
	return 0;
}

static size_t take_body(char *bytes, size_t one, size_t length, void *context)
{
	struct hop *hop = context;

	(void)one;
	if (hop->status != 200)
		return length; /* what an error page says is not wanted */
	hop->written += length;
	hop->full = hop->written > hop->order->bytes_max;
	if (hop->full || write_all(hop, bytes, length))
		return 0;
	return length;
}

/* The head */

/* The value behind "Name:", without blanks around it; NULL for another header. */
static const char *value_of(const char *line, size_t length, const char *name, size_t *size)
{
	size_t at = strlen(name);

	if (length <= at || strncasecmp(line, name, at) != 0 || line[at] != ':')
		return NULL;
	at++;
	while (at < length && (line[at] == ' ' || line[at] == '\t'))
		at++;
	while (length > at && strchr(" \t\r\n", line[length - 1]))
		length--;
	*size = length - at;
	return line + at;
}

static void keep(char *to, size_t room, const char *value, size_t size)
{
	if (size >= room)
		return;
	memcpy(to, value, size);
	to[size] = '\0';
}

static void begin_head(struct hop *hop)
{
	hop->report->etag[0] = hop->report->modified[0] = '\0';
	free(hop->location);
	hop->location = NULL;
	curl_easy_getinfo(hop->curl, CURLINFO_RESPONSE_CODE, &hop->status);
}

static size_t take_header(char *line, size_t one, size_t length, void *context)
{
	struct hop *hop = context;
	const char *value;
	size_t size;

	(void)one;
	hop->header_bytes += length;
	if (hop->header_bytes > HEADERS_MAX)
		return 0;
	if (length > 5 && strncasecmp(line, "HTTP/", 5) == 0)
		begin_head(hop);
	else if ((value = value_of(line, length, "etag", &size)))
		keep(hop->report->etag, ERRAND_TAG, value, size);
	else if ((value = value_of(line, length, "last-modified", &size)))
		keep(hop->report->modified, ERRAND_DATE, value, size);
	else if ((value = value_of(line, length, "location", &size)) && !hop->location)
		hop->location = strndup(value, size);
	return length;
}

/* Names */

static bool split_url(struct hop *hop, const char *url)
{
	CURLU *parts = curl_url();
	char *host = NULL, *port = NULL;
	bool good = parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
		    curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
		    curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
		    strlen(host) < sizeof hop->host && strlen(port) < sizeof hop->port;

	if (good) {
		strcpy(hop->host, host);
		strcpy(hop->port, port);
	}
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(parts);
	return good;
}

static bool add_address(char *entry, size_t room, const struct addrinfo *found, bool first)
{
	struct address address;
	char literal[ADDRESS_TEXT];
	size_t used = strlen(entry);

	if (address_from_socket(&address, found->ai_addr) < 0)
		return false;
	snprintf(entry + used, room - used, address.family == AF_INET6 ? "%s[%s]" : "%s%s",
		 first ? "" : ",", address_print(&address, literal));
	return true;
}

/* Names are looked up here rather than by a thread of the library's, which this process may not
 * start. NULL when the host is an address, or after a failure. */
static struct curl_slist *look_up(struct hop *hop)
{
	const struct addrinfo wanted = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	struct addrinfo *found = NULL;
	char entry[512];
	unsigned count = 0;
	int error;

	if (hop->host[0] == '[')
		return NULL;
	error = getaddrinfo(hop->host, hop->port, &wanted, &found);
	if (error) {
		fail(hop->report, "%.100s is not found: %s", hop->host, gai_strerror(error));
		return NULL;
	}
	snprintf(entry, sizeof entry, "%s:%s:", hop->host, hop->port);
	for (const struct addrinfo *each = found; each && count < ADDRESSES_MAX;
	     each = each->ai_next)
		count += add_address(entry, sizeof entry, each, count == 0);
	freeaddrinfo(found);
	return curl_slist_append(NULL, entry);
}

/* The request */

static struct curl_slist *add_header(struct curl_slist *headers, const char *name,
				     const char *value)
{
	char line[ERRAND_TAG + 32];
	struct curl_slist *longer;

	if (!*value)
		return headers;
	snprintf(line, sizeof line, "%s: %s", name, value);
	longer = curl_slist_append(headers, line);
	return longer ? longer : headers;
}

static void set_bounds(CURL *curl, const struct errand_order *order)
{
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)order->seconds_max);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)SLOW_SECONDS);
	curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)order->bytes_max);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
}

static void set_trust(CURL *curl, const char *roots, size_t length)
{
	struct curl_blob blob = { (void *)(uintptr_t)roots, length, CURL_BLOB_NOCOPY };

	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(curl, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob);
}

static CURLcode perform(struct hop *hop, const char *url, const char *roots, size_t length)
{
	struct curl_slist *addresses = look_up(hop);
	struct curl_slist *headers = NULL;
	CURLcode result;

	if (hop->report->message[0])
		return CURLE_COULDNT_RESOLVE_HOST;
	headers = add_header(headers, "If-None-Match", hop->order->etag);
	headers = add_header(headers, "If-Modified-Since", hop->order->modified);
	set_bounds(hop->curl, hop->order);
	set_trust(hop->curl, roots, length);
	curl_easy_setopt(hop->curl, CURLOPT_URL, url);
	curl_easy_setopt(hop->curl, CURLOPT_USERAGENT, "headgate/" VERSION);
	curl_easy_setopt(hop->curl, CURLOPT_RESOLVE, addresses);
	curl_easy_setopt(hop->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(hop->curl, CURLOPT_ERRORBUFFER, hop->words);
	curl_easy_setopt(hop->curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(hop->curl, CURLOPT_WRITEDATA, hop);
	curl_easy_setopt(hop->curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(hop->curl, CURLOPT_HEADERDATA, hop);
	result = curl_easy_perform(hop->curl);
	curl_slist_free_all(headers);
	curl_slist_free_all(addresses);
	return result;
}

/* The answer */

static void judge_failure(const struct hop *hop, CURLcode result)
{
	struct errand_report *report = hop->report;

	if (report->message[0])
		return;
	if (hop->full || result == CURLE_FILESIZE_EXCEEDED)
		fail(report, "%.100s sends more than %llu MB", hop->host,
		     (unsigned long long)(hop->order->bytes_max >> 20));
	else if (hop->error == ENOSPC || hop->error == EDQUOT)
		fail(report, "there is no room for the copy, of which %llu MB had come; make room in the state directory",
		     (unsigned long long)(hop->written >> 20));
	else if (hop->error)
		fail(report, "the copy cannot be written: %s", strerror(hop->error));
	else if (result == CURLE_PARTIAL_FILE)
		fail(report, "%.100s ended in the middle of the file", hop->host);
	else if (result == CURLE_OPERATION_TIMEDOUT)
		fail(report, "%.100s is too slow", hop->host);
	else
		fail(report, "%.100s: %.140s", hop->host,
		     *hop->words ? hop->words : curl_easy_strerror(result));
}

static bool is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static bool is_https(const char *url)
{
	return strncasecmp(url, "https://", 8) == 0;
}

/* Where a redirect leads; NULL after saying why it is not followed. Owned by the caller. */
static char *next_url(const struct hop *hop, const char *url)
{
	CURLU *parts = curl_url();
	char *whole = NULL, *copy = NULL;

	if (!hop->location || !parts || curl_url_set(parts, CURLUPART_URL, url, 0) ||
	    curl_url_set(parts, CURLUPART_URL, hop->location, CURLU_NON_SUPPORT_SCHEME) ||
	    curl_url_get(parts, CURLUPART_URL, &whole, 0))
		fail(hop->report, "%.100s redirects to nowhere", hop->host);
	else if (!is_https(whole) && strncasecmp(whole, "http://", 7) != 0)
		fail(hop->report, "%.100s redirects to something that is no web address",
		     hop->host);
	else if (is_https(url) && !is_https(whole))
		fail(hop->report, "%.100s redirects from https to something else", hop->host);
	else
		copy = strdup(whole);
	curl_free(whole);
	curl_url_cleanup(parts);
	return copy;
}

static void judge_status(const struct hop *hop)
{
	if (hop->status == 200) {
		hop->report->outcome = ERRAND_FETCHED;
		hop->report->bytes = hop->written;
	} else if (hop->status == 304 && (*hop->order->etag || *hop->order->modified)) {
		hop->report->outcome = ERRAND_UNCHANGED;
	} else {
		fail(hop->report, "%.100s answers %ld", hop->host, hop->status);
	}
}

/* Where to go on, owned by the caller; NULL when it is over. */
static char *go(const struct errand_order *order, const char *url, int output, const char *roots,
		size_t length, struct errand_report *report)
{
	struct hop hop = {
		.order = order, .report = report, .curl = curl_easy_init(), .output = output
	};
	char *next = NULL;
	CURLcode result;

	if (!hop.curl || ftruncate(output, 0) || lseek(output, 0, SEEK_SET)) {
		fail(report, "out of memory, or the copy cannot be written");
	} else if (!split_url(&hop, url)) {
		fail(report, "%.100s is no address to fetch from", url);
	} else {
		result = perform(&hop, url, roots, length);
		if (result != CURLE_OK)
			judge_failure(&hop, result);
		else if (is_redirect(hop.status))
			next = next_url(&hop, url);
		else
			judge_status(&hop);
	}
	free(hop.location);
	curl_easy_cleanup(hop.curl);
	return next;
}

void transfer_run(const struct errand_order *order, int output, const char *roots, size_t length,
		  struct errand_report *report)
{
	char *url = strdup(order->url);

	memset(report, 0, sizeof *report);
	fail(report, "%s", "");
	for (int redirects = 0; url; redirects++) {
		char *next = NULL;

		if (redirects > TRANSFER_REDIRECTS_MAX)
			fail(report, "it is redirected more than %d times", TRANSFER_REDIRECTS_MAX);
		else
			next = go(order, url, output, roots, length, report);
		free(url);
		url = next;
	}
}
