// link: daemon/name.c daemon/address.c
#include <stdlib.h>
#include <string.h>

#include "daemon/address.h"
#include "daemon/limits.h"
#include "daemon/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check_canonical(const void *bytes, size_t length)
{
	char name[NAME_SIZE];
	char again[NAME_SIZE];
	struct address address;

	if (!name_canonical(bytes, length, name)) {
		require(!*name);
		return;
	}
	require(strlen(name) <= NAME_MAX_LENGTH);
	require(name_canonical(name, strlen(name), again) && !strcmp(name, again));
	require(address_parse(&address, name) == -1);
	require(name_matches(name, NAME_EXACT, name) && name_matches(name, NAME_TREE, name));
	require(!name_matches(name, NAME_SUBDOMAINS, name));
}

static void check_authority(const void *bytes, size_t length)
{
	char host[NAME_SIZE];
	char again[NAME_SIZE];
	char bracketed[NAME_SIZE + 2];
	uint16_t port;

	if (!name_authority(bytes, length, host, &port)) {
		require(!*host && !port);
		return;
	}
	strcpy(bracketed, host);
	if (strchr(host, ':')) {
		bracketed[0] = '[';
		strcpy(bracketed + 1, host);
		strcat(bracketed, "]");
	}
	require(name_authority(bracketed, strlen(bracketed), again, &port) && !port);
	require(!strcmp(host, again));
}

static void check_pattern(const char *text)
{
	char name[NAME_SIZE];
	char below[NAME_SIZE + 2] = "x.";
	enum name_pattern_kind kind;

	if (!name_pattern_parse(text, &kind, name))
		return;
	strcat(below, name);
	require(name_matches(name, kind, name) == (kind != NAME_SUBDOMAINS));
	require(name_matches(below, kind, name) == (kind != NAME_EXACT));
}

static void check_address(const char *text)
{
	char printed[ADDRESS_TEXT];
	struct address address;
	struct address again;

	if (!address_parse(&address, text))
		require(!address_parse(&again, address_print(&address, printed)) &&
			address_equal(&address, &again));
	if (!address_parse_with_port(&address, text))
		require(!address_parse_with_port(&again,
						 address_print_with_port(&address, printed)) &&
			address_equal(&address, &again));
}

static void check_prefix(const char *text)
{
	char printed[PREFIX_TEXT];
	struct prefix prefix;
	struct prefix again;

	if (prefix_parse(&prefix, text) == -1)
		return;
	require(prefix_contains(&prefix, &prefix.base));
	require(!prefix_parse(&again, prefix_print(&prefix, printed)));
	require(again.length == prefix.length && address_equal(&again.base, &prefix.base));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	check_canonical(data, size);
	check_authority(data, size);
	check_pattern(text);
	check_address(text);
	check_prefix(text);
	free(text);
	return 0;
}
