// link: daemon/policy/leases.c daemon/policy/device.c daemon/address.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "daemon/policy/device.h"
#include "daemon/policy/leases.h"

static char found[1024];

static void note(void *context, const uint8_t *mac, const struct address *address)
{
	char printed_mac[MAC_TEXT] = "-", printed[ADDRESS_TEXT] = "-";

	(void)context;
	if (mac)
		mac_print(mac, printed_mac);
	if (address)
		address_print(address, printed);
	snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s %s\n", printed_mac, printed);
}

static const char *find(const char *text, const char *host)
{
	found[0] = 0;
	leases_find((struct span){ (const uint8_t *)text, strlen(text) }, host, note, NULL);
	return found;
}

static void dnsmasq(void **state)
{
	static const char leases[] =
		"1700000000 02:00:00:00:00:10 192.0.2.10 tv 01:02:00:00:00:00:10\n"
		"1700000000 02:00:00:00:00:11 192.0.2.11 * *\n"
		"1700000000 02:00:00:00:00:12 192.0.2.12 TV *\r\n"
		"duid 00:01:00:01:2a\n"
		"1700000000 42 2001:db8:1::10 tv 00:01:00:01\n"
		"1700000000 02:00:00:00:00:13 not-an-address tv *";

	(void)state;
	assert_string_equal(find(leases, "tv"), "02:00:00:00:00:10 192.0.2.10\n"
						"02:00:00:00:00:12 192.0.2.12\n"
						"- 2001:db8:1::10\n");
	assert_string_equal(find(leases, "radio"), "");
}

static void odhcpd(void **state)
{
	static const char leases[] =
		"# br-lan 00010001aabbccdd020000000010 1 tv 1700000000 10 128 2001:db8:1::10/128 "
		"fd00::10/128\n"
		"2001:db8:1::10\ttv.lan\ttv\n"
		"# br-lan 00030001020000000011 1 tv 1700000000 11 128\n"
		"# br-lan 000200001234 1 tv 1700000000 12 128 2001:db8:1::12/128\n"
		"# br-lan 00010001aabbccdd02000000001x 1 tv 1700000000 10 128\n";

	(void)state;
	assert_string_equal(find(leases, "tv"), "02:00:00:00:00:10 -\n"
						"- 2001:db8:1::10\n"
						"- fd00::10\n"
						"02:00:00:00:00:11 -\n"
						"- 2001:db8:1::12\n");
}

static void what_is_no_lease_is_stepped_over(void **state)
{
	static const char nul[] = "1 02:00:00:00:00:10 192.0.2.10 t\0v x\n"
				  "1 02:00:00:00:00:11 192.0.2.11 tv x\n";
	char longest[4096];

	(void)state;
	found[0] = 0;
	leases_find((struct span){ (const uint8_t *)nul, sizeof(nul) - 1 }, "tv", note, NULL);
	assert_string_equal(found, "02:00:00:00:00:11 192.0.2.11\n");
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "1 02:00:00:00:00:10 192.0.2.10 tv ", 34);
	longest[sizeof(longest) - 1] = 0;
	assert_string_equal(find(longest, "tv"), "");
	assert_string_equal(find("", "tv"), "");
	assert_string_equal(find("\n\n \n", "tv"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dnsmasq),
		cmocka_unit_test(odhcpd),
		cmocka_unit_test(what_is_no_lease_is_stepped_over),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
