#include "daemon/http/edits.h"

#include "daemon/http/message.h"
#include "daemon/policy/rule.h"

/* Whether an edit from number first on takes away the fields of this name. */
static bool taken_away(const struct edits *edits, size_t first, const char *name)
{
	for (size_t i = first; i < edits->count; i++)
		if (edits->edits[i].kind != EDIT_ADD && field_name_is(edits->edits[i].name, name))
			return true;
	return false;
}

bool edits_keep(const struct edits *edits, const char *name)
{
	return !taken_away(edits, 0, name);
}

bool edits_have(const struct edits *edits, size_t index)
{
	const struct edit *edit = &edits->edits[index];

	return edit->kind != EDIT_REMOVE && edit->value &&
	       !taken_away(edits, index + 1, edit->name);
}

const char *edits_value(const struct edits *edits, const char *name)
{
	for (size_t i = edits->count; i-- > 0;)
		if (field_name_is(edits->edits[i].name, name) && edits_have(edits, i))
			return edits->edits[i].value;
	return NULL;
}
