/* An entry as a plain list or a policy would write it. */
#pragma once

#include "daemon/lists/entry.h"

enum { ENTRY_TEXT = NAME_SIZE + 4 };

/* Writes "192.0.2.0/24", "192.0.2.1-192.0.2.9", "ads.example", "*.ads.example" or ".ads.example"
 * into text and returns text; "@@" in front of what takes away. */
char *entry_print(const struct list_entry *entry, char text[static ENTRY_TEXT]);
