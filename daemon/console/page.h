/* The page: the files of daemon/console/page, compressed by gzip(1) and part of the program. */
#pragma once

#include "daemon/reader.h"

/* The compressed bytes of a file; empty when there is none of that name. */
struct span page_file(const char *name);
