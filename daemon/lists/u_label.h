/* Internationalised names. The only place that knows libidn2. */
#pragma once

#include "daemon/name.h"

/* Writes the canonical A-label form of a name with U-labels in UTF-8 (RFC 5891, mapped as UTS 46
 * says). False, and name "", when text is plain ASCII or no such name. */
bool u_label_convert(const char *text, char name[static NAME_SIZE]);
