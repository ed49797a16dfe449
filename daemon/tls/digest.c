#include "daemon/tls/digest.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

struct span digest_string(const char *string)
{
	return digest_object(string, strlen(string));
}

struct span digest_object(const void *object, size_t size)
{
	return (struct span){ .bytes = object, .length = size };
}

int digest_parts(const struct span *parts, size_t count, uint8_t digest[static DIGEST_SIZE])
{
	uint8_t input[DIGEST_INPUT_MAX];
	size_t length = 0;

	for (size_t i = 0; i < count; i++) {
		if (parts[i].length > sizeof(input) - length ||
		    sizeof(input) - length - parts[i].length < 2)
			return -1;
		input[length++] = (uint8_t)(parts[i].length >> 8);
		input[length++] = (uint8_t)parts[i].length;
		if (parts[i].length > 0)
			memcpy(input + length, parts[i].bytes, parts[i].length);
		length += parts[i].length;
	}
	return SHA256(input, length, digest) ? 0 : -1;
}

const char *digest_hex(const char *text, char hex[static DIGEST_HEX_SIZE])
{
	uint8_t digest[DIGEST_SIZE];

	hex[0] = '\0';
	if (!SHA256((const uint8_t *)text, strlen(text), digest))
		return hex;
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return hex;
}
