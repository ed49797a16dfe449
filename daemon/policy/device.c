#include "daemon/policy/device.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool device_matches(const struct device *device, const struct address *client, const uint8_t *mac)
{
	for (size_t i = 0; mac && i < device->mac_count; i++) {
		if (memcmp(device->macs[i], mac, 6) == 0)
			return true;
	}
	for (size_t i = 0; i < device->prefix_count; i++) {
		if (prefix_contains(&device->prefixes[i], client))
			return true;
	}
	return false;
}

void device_end(struct device *device)
{
	free(device->name);
	free(device->prefixes);
	free(device->macs);
}

static int digit(char character)
{
	if (isdigit((unsigned char)character))
		return character - '0';
	return tolower((unsigned char)character) - 'a' + 10;
}

int mac_parse(uint8_t mac[static 6], const char *text)
{
	uint8_t bytes[6];

	if (strlen(text) != MAC_TEXT - 1 || (text[2] != ':' && text[2] != '-'))
		return -1;
	for (size_t i = 0; i < 6; i++) {
		const char *pair = text + 3 * i;

		if (!isxdigit((unsigned char)pair[0]) || !isxdigit((unsigned char)pair[1]) ||
		    (i < 5 && pair[2] != text[2]))
			return -1;
		bytes[i] = (uint8_t)(digit(pair[0]) << 4 | digit(pair[1]));
	}
	memcpy(mac, bytes, 6);
	return 0;
}

char *mac_print(const uint8_t mac[static 6], char text[static MAC_TEXT])
{
	snprintf(text, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		 mac[4], mac[5]);
	return text;
}
