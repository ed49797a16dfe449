/* The request line of the control protocol: a JSON object with "command" and whatever that command
 * takes. Pure but for memory. */
#pragma once

#include <jansson.h>
#include <stddef.h>

/* Reads length bytes (without the newline). A new reference, or NULL with *message a sentence for
 * people (static). */
json_t *request_parse(const char *bytes, size_t length, const char **message);

/* The command's name; owned by the request. */
const char *request_command(const json_t *request);
