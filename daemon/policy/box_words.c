#include "daemon/policy/box_words.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/policy/scalar.h"

bool box_is_plain(const char *name)
{
	return scalar_is_port_name(name) && scalar_is_label(name);
}

bool box_read_port(struct reading *reading, const struct keyword *keyword, struct value value,
		   char port[static BOX_PORT_NAME])
{
	if (!box_is_plain(value_text(value))) {
		keyword_mismatch(reading, keyword, value);
		return false;
	}
	strcpy(port, value_text(value));
	return true;
}

bool box_read_own(struct reading *reading, const struct keyword *keyword, struct value value,
		  sa_family_t family, struct own_address *own)
{
	char literal[ADDRESS_TEXT] = "";
	const char *text = value_text(value), *slash = strchr(text, '/');
	struct address address;
	char *end;

	if (slash && slash[1] && (size_t)(slash - text) < sizeof(literal))
		memcpy(literal, text, (size_t)(slash - text));
	if (address_parse(&address, literal) != 0 || address.family != family) {
		keyword_mismatch(reading, keyword, value);
		return false;
	}
	unsigned long length = strtoul(slash + 1, &end, 10);
	if (*end || length < 8 || length > 8 * address_width(&address)) {
		keyword_mismatch(reading, keyword, value);
		return false;
	}
	*own = (struct own_address){ .address = address, .length = (uint8_t)length };
	return true;
}
