#include "daemon/certificate.h"

#include <stdlib.h>

struct certificate_list *certificate_list_hold(struct certificate_list *list)
{
	if (list)
		list->holders++;
	return list;
}

void certificate_list_release(struct certificate_list *list)
{
	if (!list || --list->holders > 0)
		return;
	for (size_t i = 0; i < list->count; i++) {
		free(list->certificates[i].subject);
		free(list->certificates[i].issuer);
		free(list->certificates[i].serial);
		free(list->certificates[i].names);
		free(list->certificates[i].key_type);
	}
	free(list);
}

bool certificate_expired(const struct certificate *certificate, int64_t now)
{
	return now > certificate->not_after;
}

bool certificate_not_yet_valid(const struct certificate *certificate, int64_t now)
{
	return now < certificate->not_before;
}
