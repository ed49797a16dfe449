/* Reads a list as the daemon would and writes down what came of it, to be compared with a text. */
#pragma once

#include "daemon/lists/format.h"

/* Reads the bytes in chunks (0: all at once). Every entry becomes a line of the returned text,
 * which the caller frees: "3 192.0.2.0-192.0.2.255", "4 192.0.2.1", "5 name", "6 *.name", "7
 * .name", with an '@' before what is allowed. */
char *listing_read(const void *bytes, size_t length, const struct format_options *options,
		   size_t chunk, struct format_report *report);

/* Fails the test unless the list is taken, recognised as this format and has these entries, in
 * whatever chunks it comes. */
void listing_is(const char *format, const char *list, const char *entries);

/* The same for bytes and with options; the report is for further questions. */
void listing_of_bytes_is(const void *bytes, size_t length, const struct format_options *options,
			 const char *entries, struct format_report *report);

/* Fails the test unless the list is refused with a message that contains these words. */
void listing_is_refused(const void *bytes, size_t length, const struct format_options *options,
			const char *words);
