#include "daemon/tls/public_suffix.h"

#include <libpsl.h>

#include "daemon/log.h"

static psl_ctx_t *list;

void public_suffix_load(void)
{
	if (list)
		return;
	list = psl_latest(NULL);
	if (!list)
		log_warning("there is no list of public suffixes (package publicsuffix): a "
			    "server's certificate for *.co.uk would be taken for one of its own");
}

bool public_suffix_is(const char *name)
{
	return list && psl_is_public_suffix2(list, name, PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE);
}
