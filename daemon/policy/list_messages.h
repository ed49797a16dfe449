/* What came of the lists when they were compiled, in the words of `headgatectl check`: which lines
 * are left out, and why a file is refused. */
#pragma once

#include "daemon/lists/report.h"
#include "daemon/policy/config.h"

/* Tells what is worth knowing of the list: a refused file is an error, at the place where the
 * policy names it; lines left out are a warning, at the first of them. */
void list_messages(const struct list *list, const struct list_report *report, config_report *tell,
		   void *context);
