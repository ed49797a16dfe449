/* How sources grow: shared by the files that fill them. */
#pragma once

#include "daemon/policy/source.h"

/* Adds an entry without bytes. NULL when out of memory, or with E2BIG when there are SOURCES_MAX.
 */
struct source *sources_append(struct sources *sources, enum source_kind kind, const char *name);
