#include "daemon/lists/members.h"

bool members_begin(struct members *members, const struct section *section, size_t count)
{
	members->classes = section->count ? section->bytes : NULL;
	members->width = count && section->count / 2 == count ? 2 : 1;
	return !section->count || section->count == count * members->width;
}
