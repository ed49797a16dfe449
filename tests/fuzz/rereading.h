/* Reads a list all at once and in small chunks, for fuzz targets: both must come to the same. */
#pragma once

#include "daemon/lists/format.h"

/* Aborts when the entries are out of order or not canonical, or the two readings differ. chunk is
 * at least 1. */
void reread(const void *bytes, size_t length, const struct format_options *options, size_t chunk);
