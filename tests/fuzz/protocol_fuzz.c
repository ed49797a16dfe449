// link: daemon/recognition.c daemon/fit.c daemon/http/beginning.c daemon/name.c daemon/address.c daemon/reader.c
#include <stdlib.h>
#include <string.h>

#include "daemon/address.h"
#include "daemon/http/beginning.h"
#include "daemon/name.h"
#include "daemon/recognition.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef enum recognition recogniser(const uint8_t *bytes, size_t length, bool final,
				    enum protocol *protocol);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check(recogniser *recognise, const uint8_t *data, size_t size)
{
	enum protocol open_end;
	enum protocol protocol;
	enum recognition answer = recognise(data, size, false, &open_end);

	require(recognise(data, size, true, &protocol) == RECOGNITION_DONE);
	require(protocol == open_end && protocol < PROTOCOL_COUNT);
	require(answer == RECOGNITION_DONE || protocol == PROTOCOL_UNKNOWN);
}

static void check_host(const char *host)
{
	char canonical[NAME_SIZE];
	struct address address;

	if (!*host)
		return;
	if (name_canonical(host, strlen(host), canonical))
		require(!strcmp(host, canonical));
	else
		require(!address_parse(&address, host));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_peek peek;
	struct http_peek half;

	check(protocol_of_client, data, size);
	check(protocol_of_server, data, size);
	/* More bytes never reopen a question that was answered. */
	if (http_peek(data, size / 2, &half)) {
		require(http_peek(data, size, &peek));
		require(!strcmp(half.host, peek.host) && half.port == peek.port);
	}
	http_peek(data, size, &peek);
	check_host(peek.host);
	require(memchr(peek.method, '\0', sizeof peek.method) != NULL);
	return 0;
}
