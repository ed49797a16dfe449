/* The query of a request's target: "device=tv&host=www.example.com" (application/x-www-form-urlencoded, URL
 * Standard section 5.1). Pure. */
#pragma once

#include <stddef.h>

/* Writes the decoded value of the first parameter of that name into value. 1; 0 when there is none; -1 when it is
 * longer than size allows, badly encoded, or holds a control character. query: NULL is an empty one. */
int query_find(const char *query, const char *name, char *value, size_t size);
