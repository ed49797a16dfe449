#include "daemon/tls/der.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void der_begin(struct der *der, uint8_t *storage, size_t size)
{
	der->storage = storage;
	der->end = storage + size;
	der->first = der->end;
	der->failed = false;
}

size_t der_length(const struct der *der)
{
	return (size_t)(der->end - der->first);
}

void der_bytes(struct der *der, const void *bytes, size_t length)
{
	if (der->failed || length > (size_t)(der->first - der->storage)) {
		der->failed = true;
		return;
	}
	der->first -= length;
	memcpy(der->first, bytes, length);
}

void der_wrap(struct der *der, uint8_t tag, size_t since)
{
	size_t length = der_length(der) - since;
	uint8_t head[4] = { tag, (uint8_t)length };
	size_t head_length = 2;

	if (length > 0xffff) {
		der->failed = true;
		return;
	}
	if (length > 0xff) {
		head[1] = 0x82;
		head[2] = (uint8_t)(length >> 8);
		head[3] = (uint8_t)length;
		head_length = 4;
	} else if (length > 0x7f) {
		head[1] = 0x81;
		head[2] = (uint8_t)length;
		head_length = 3;
	}
	der_bytes(der, head, head_length);
}

void der_element(struct der *der, uint8_t tag, const void *content, size_t length)
{
	size_t since = der_length(der);

	der_bytes(der, content, length);
	der_wrap(der, tag, since);
}

void der_time(struct der *der, int64_t seconds)
{
	time_t time = (time_t)seconds;
	struct tm parts;
	char printed[64];
	int length;

	if (time != seconds || !gmtime_r(&time, &parts) || parts.tm_year < 50 ||
	    parts.tm_year > 9999 - 1900) {
		der->failed = true;
		return;
	}
	length = snprintf(printed, sizeof(printed), "%04d%02d%02d%02d%02d%02dZ",
			  parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
			  parts.tm_min, parts.tm_sec);
	if (parts.tm_year < 150)
		der_element(der, DER_UTC_TIME, printed + 2, (size_t)length - 2);
	else
		der_element(der, DER_GENERALIZED_TIME, printed, (size_t)length);
}
