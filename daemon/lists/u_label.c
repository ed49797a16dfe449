#include "daemon/lists/u_label.h"

#include <idn2.h>
#include <string.h>

enum { U_LABELS_MAX = 4 * NAME_SIZE }; /* bytes of UTF-8 */

static bool is_ascii(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text >= 0x80)
			return false;
	}
	return true;
}

bool u_label_convert(const char *text, char name[static NAME_SIZE])
{
	uint8_t *converted = NULL;
	bool taken = false;

	name[0] = '\0';
	if (is_ascii(text) || strlen(text) > U_LABELS_MAX)
		return false;
	if (idn2_lookup_u8((const uint8_t *)text, &converted,
			   IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK)
		taken = name_canonical(converted, strlen((const char *)converted), name);
	idn2_free(converted);
	return taken;
}
