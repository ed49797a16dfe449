#include "daemon/tls/offers.h"

#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

int offers_keep(struct offers *offers, const struct hello *hello)
{
	size_t ciphers = MIN(hello->ciphers.length, OFFERS_CIPHERS_MAX);
	size_t protocols = MIN(hello->alpn.length, OFFERS_PROTOCOLS_MAX);
	uint8_t *bytes = malloc(ciphers + protocols + 1);

	if (!bytes)
		return -1;
	if (ciphers)
		memcpy(bytes, hello->ciphers.bytes, ciphers);
	if (protocols)
		memcpy(bytes + ciphers, hello->alpn.bytes, protocols);
	offers_free(offers);
	*offers = (struct offers){ .bytes = bytes, .ciphers = ciphers, .protocols = protocols };
	return 0;
}

void offers_free(struct offers *offers)
{
	free(offers->bytes);
	*offers = (struct offers){ 0 };
}

void offers_print_ciphers(const struct offers *offers, struct text *text)
{
	bool first = true;

	if (!offers->bytes) {
		text_add(text, "null");
		return;
	}
	text_add_char(text, '[');
	for (size_t i = 0; i + 1 < offers->ciphers; i += 2) {
		const uint8_t *pair = offers->bytes + i;

		if (hello_is_grease((uint16_t)(pair[0] << 8 | pair[1])))
			continue;
		text_add(text, first ? "\"0x" : ",\"0x");
		text_add_hex(text, pair, 2);
		text_add_char(text, '"');
		first = false;
	}
	text_add_char(text, ']');
}

void offers_print_protocols(const struct offers *offers, struct text *text)
{
	struct reader reader;
	bool first = true;

	if (!offers->protocols) {
		text_add(text, "null");
		return;
	}
	reader_begin(&reader, offers->bytes + offers->ciphers, offers->protocols);
	text_add_char(text, '[');
	while (reader_left(&reader)) {
		struct reader name = reader_vector8(&reader);
		size_t length = reader_left(&name);

		/* The last one may have been cut. */
		if (name.failed || !length)
			break;
		if (!first)
			text_add_char(text, ',');
		text_add_json_bytes(text, reader_take(&name, length).bytes, length);
		first = false;
	}
	text_add_char(text, ']');
}
