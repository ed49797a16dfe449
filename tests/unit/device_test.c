// link: daemon/policy/device.c daemon/address.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "daemon/policy/device.h"

static struct address address_of(const char *text)
{
	struct address address;

	assert_int_equal(address_parse(&address, text), 0);
	return address;
}

static void macs_are_read_and_printed(void **state)
{
	uint8_t mac[6];
	char text[MAC_TEXT];

	(void)state;
	assert_int_equal(mac_parse(mac, "02:00:00:aB:Cd:10"), 0);
	assert_string_equal(mac_print(mac, text), "02:00:00:ab:cd:10");
	assert_int_equal(mac_parse(mac, "02-00-00-ab-cd-10"), 0);
	assert_string_equal(mac_print(mac, text), "02:00:00:ab:cd:10");
}

static void other_texts_are_no_macs(void **state)
{
	static const char *const texts[] = { "",
					     "02:00:00:00:00",
					     "02:00:00:00:00:1",
					     "02:00:00:00:00:100",
					     "02:00-00:00:00:10",
					     "02:00:00:00:00:1g",
					     "020000000010",
					     "0200:0000:0010:00" };
	uint8_t mac[6];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (mac_parse(mac, texts[i]) == 0)
			fail_msg("\"%s\" is taken", texts[i]);
	}
}

static void a_device_is_known_by_any_of_its_marks(void **state)
{
	struct prefix prefixes[2];
	uint8_t macs[1][6] = { { 2, 0, 0, 0, 0, 0x11 } };
	uint8_t other[6] = { 2, 0, 0, 0, 0, 0x12 };
	struct device kids = {
		.prefix_count = 2, .prefixes = prefixes, .mac_count = 1, .macs = macs
	};
	struct address inside = address_of("192.0.2.70");
	struct address inside6 = address_of("2001:db8:1:41::9");
	struct address outside = address_of("192.0.2.1");

	(void)state;
	assert_int_equal(prefix_parse(&prefixes[0], "192.0.2.64/27"), 0);
	assert_int_equal(prefix_parse(&prefixes[1], "2001:db8:1:40::/60"), 0);
	assert_true(device_matches(&kids, &inside, NULL));
	assert_true(device_matches(&kids, &inside6, other));
	assert_true(device_matches(&kids, &outside, macs[0]));
	assert_false(device_matches(&kids, &outside, other));
	assert_false(device_matches(&kids, &outside, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(macs_are_read_and_printed),
		cmocka_unit_test(other_texts_are_no_macs),
		cmocka_unit_test(a_device_is_known_by_any_of_its_marks),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
