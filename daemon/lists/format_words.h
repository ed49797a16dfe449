/* The words by which a policy calls the formats of lists. */
#pragma once

/* As the option `format` takes them, NULL-terminated. */
extern const char *const format_words[];
