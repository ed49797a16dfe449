#include "daemon/tls/ja4.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

enum {
	PAIRS_MAX = 32768, /* 16-bit values that fit into one vector */
	EXTENSION_SERVER_NAME = 0,
	EXTENSION_ALPN = 16,
};

static const char hexadecimal[] = "0123456789abcdef";

static uint16_t pair(struct span pairs, size_t index)
{
	return (uint16_t)(pairs.bytes[2 * index] << 8 | pairs.bytes[2 * index + 1]);
}

/* Values for one hash of a fingerprint, GREASE left out. */
struct values {
	size_t count;
	uint16_t value[PAIRS_MAX];
};

static void add_value(struct values *values, uint16_t value)
{
	if (!hello_is_grease(value) && values->count < PAIRS_MAX)
		values->value[values->count++] = value;
}

static void add_pairs(struct values *values, struct span pairs)
{
	for (size_t i = 0; i < pairs.length / 2; i++)
		add_value(values, pair(pairs, i));
}

static int compare(const void *left, const void *right)
{
	return (int)*(const uint16_t *)left - (int)*(const uint16_t *)right;
}

static void sort(struct values *values)
{
	qsort(values->value, values->count, sizeof values->value[0], compare);
}

/* Adds "0a0b,0c0d" with a comma behind each. */
static char *print_values(char *end, const struct values *values)
{
	for (size_t i = 0; i < values->count; i++) {
		for (int shift = 12; shift >= 0; shift -= 4)
			*end++ = hexadecimal[values->value[i] >> shift & 15];
		*end++ = ',';
	}
	return end;
}

/* OpenSSL 3 looks an algorithm up by its name each time, which takes longer than the hash. */
static const EVP_MD *sha256(void)
{
	static EVP_MD *fetched;

	if (!fetched)
		fetched = EVP_MD_fetch(NULL, "SHA256", NULL);
	return fetched;
}

/* The first 12 digits of the SHA-256 of the lists, joined by an underscore; zeros for an empty
 * first list and when there is no memory. */
static void print_hash(const struct values *list, const struct values *tail, char digits[static 13])
{
	static char text[2 * PAIRS_MAX * sizeof("0000")];
	uint8_t digest[EVP_MAX_MD_SIZE];
	char *end = print_values(text, list);

	strcpy(digits, "000000000000");
	if (end == text)
		return;
	end[-1] = '_';
	end = print_values(end, tail);
	if (!sha256() || !EVP_Digest(text, (size_t)(end - text) - 1, digest, NULL, sha256(), NULL))
		return;
	for (size_t i = 0; i < 12; i++)
		digits[i] = hexadecimal[digest[i / 2] >> (i % 2 ? 0 : 4) & 15];
}

static const char *version_digits(uint16_t version)
{
	static const char *const digits[] = { "s3", "10", "11", "12", "13" };

	return version >= 0x0300 && version <= 0x0304 ? digits[version - 0x0300] : "00";
}

static bool is_alphanumeric(uint8_t byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= 'a' && byte <= 'z');
}

static void print_alpn(const struct hello *hello, char digits[static 3])
{
	size_t position = 0;
	struct span name = hello_alpn_next(hello, &position);
	uint8_t first;
	uint8_t last;

	strcpy(digits, "00");
	if (!name.length || (name.length == 2 && hello_is_grease(pair(name, 0))))
		return;
	first = name.bytes[0];
	last = name.bytes[name.length - 1];
	if (!is_alphanumeric(first) || !is_alphanumeric(last)) {
		first = (uint8_t)hexadecimal[first >> 4];
		last = (uint8_t)hexadecimal[last & 15];
	}
	digits[0] = (char)first;
	digits[1] = (char)last;
}

/* Collects the types for the hash; counts all of them, also SNI and ALPN, which the hash leaves
 * out. */
static unsigned collect_extensions(const struct hello *hello, struct values *values)
{
	struct reader reader;
	unsigned count = 0;

	values->count = 0;
	reader_begin(&reader, hello->extensions.bytes, hello->extensions.length);
	while (reader_left(&reader)) {
		uint16_t type = reader_u16(&reader);

		reader_vector16(&reader);
		count += !hello_is_grease(type);
		if (type != EXTENSION_SERVER_NAME && type != EXTENSION_ALPN)
			add_value(values, type);
	}
	return count;
}

char *ja4_print(const struct hello *hello, char transport, char ja4[static JA4_SIZE])
{
	/* Not on the stack: clearing as much as the longest hello needs takes longer than the rest. */
	static struct values list, tail;
	char name = hello->name_kind == HELLO_NAME_ABSENT ? 'i' : 'd';
	char cipher_hash[13];
	char extension_hash[13];
	size_t ciphers;
	size_t extensions;
	char alpn[3];

	list.count = 0;
	tail.count = 0;
	add_pairs(&list, hello->ciphers);
	sort(&list);
	ciphers = list.count;
	print_hash(&list, &tail, cipher_hash);
	extensions = collect_extensions(hello, &list);
	sort(&list);
	add_pairs(&tail, hello->signatures);
	print_hash(&list, &tail, extension_hash);
	print_alpn(hello, alpn);
	snprintf(ja4, JA4_SIZE, "%c%s%c%02zu%02zu%s_%s_%s", transport,
		 version_digits(hello->version), name, MIN(ciphers, 99), MIN(extensions, 99), alpn,
		 cipher_hash, extension_hash);
	return ja4;
}
