// link: daemon/lists/format.c daemon/lists/format_words.c daemon/lists/format_plain.c daemon/lists/format_set.c daemon/lists/format_drop.c daemon/lists/format_dnsmasq.c daemon/lists/format_adblock.c daemon/lists/format_rpz.c daemon/lists/format_csv.c daemon/lists/format_mmdb.c daemon/lists/format_srs.c daemon/lists/format_mrs.c daemon/lists/gather.c daemon/lists/pieces.c daemon/lists/words.c daemon/lists/u_label.c daemon/lists/mmdb.c daemon/lists/succinct.c daemon/lists/decompress.c daemon/address.c daemon/name.c daemon/reader.c tests/unit/listing.c -lz -lzstd -llzma -lidn2
/* Lists as text, in every format. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/lists/format_words.h"
#include "tests/unit/listing.h"

static void plain_lists_are_read(void **state)
{
	(void)state;
	listing_is(
		"plain",
		"# FireHOL\n192.0.2.1\n192.0.2.0/24\r\n2001:db8::/32 # lab\n\n"
		"198.51.100.4-198.51.100.9\n198.51.100.1 - "
		"198.51.100.2\n203.0.113.0/255.255.255.0\n"
		"203.0.113.77/24\n  Example.COM.  \n*.ads.example ; remark\n.trackers.example // "
		"remark\n"
		"! remark\n-- remark\n192.0.2.9\t17\n192.0.2.0 192.0.2.3 24 US\n::ffff:192.0.2.1\n"
		"::ffff:192.0.2.0/120",
		"2 192.0.2.1\n3 192.0.2.0-192.0.2.255\n"
		"4 2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff\n"
		"6 198.51.100.4-198.51.100.9\n7 198.51.100.1-198.51.100.2\n"
		"8 203.0.113.0-203.0.113.255\n9 203.0.113.0-203.0.113.255\n10 example.com\n"
		"11 *.ads.example\n12 .trackers.example\n15 192.0.2.9\n16 192.0.2.0-192.0.2.3\n"
		"17 192.0.2.1\n18 192.0.2.0-192.0.2.255\n");
}

static void spamhaus_drop_is_read(void **state)
{
	(void)state;
	listing_is("plain",
		   "; Spamhaus DROP List 2025/01/01\n; Last-Modified: today\n"
		   "1.10.16.0/20 ; SBL256894\n1.19.0.0/16 ; SBL434604\n",
		   "3 1.10.16.0-1.10.31.255\n4 1.19.0.0-1.19.255.255\n");
	listing_is("drop",
		   "{\"cidr\":\"1.10.16.0/20\",\"sblid\":\"SBL256894\",\"rir\":\"apnic\"}\n"
		   "{ \"a\" : [{\"cidr\":\"9.9.9.9\"}], \"b\\\"\" : \"}\", \"cidr\" : "
		   "\"2001:db8::/48\" }\n"
		   "{\"type\":\"metadata\",\"records\":2}\n",
		   "1 1.10.16.0-1.10.31.255\n2 2001:db8::-2001:db8:0:ffff:ffff:ffff:ffff:ffff\n");
}

static void hosts_files_are_read(void **state)
{
	(void)state;
	listing_is("hosts",
		   "127.0.0.1 localhost localhost.localdomain\n::1 ip6-localhost ip6-loopback\n"
		   "fe80::1%lo0 localhost\n255.255.255.255 broadcasthost\n0.0.0.0 0.0.0.0\n"
		   "0.0.0.0 ads.example www.ads.example # both\n192.168.1.5 pixel.example\n:: "
		   "six.example\n",
		   "6 ads.example\n6 www.ads.example\n7 pixel.example\n8 six.example\n");
}

static void ipset_dumps_are_read(void **state)
{
	(void)state;
	listing_is("ipset",
		   "create bad hash:net family inet hashsize 1024 maxelem 65536\n"
		   "add bad 192.0.2.0/24 timeout 3600 comment \"x, y\"\nadd bad 192.0.2.7 nomatch\n"
		   "add ports 192.0.2.1,tcp:80\nadd six 2001:db8::1\nadd bad 192.0.2.1-192.0.2.3\n",
		   "2 192.0.2.0-192.0.2.255\n3 @192.0.2.7\n5 2001:db8::1\n6 192.0.2.1-192.0.2.3\n");
}

static void nftables_dumps_are_read(void **state)
{
	(void)state;
	listing_is(
		"nftables",
		"table inet filter {\n\tset bad {\n\t\ttype ipv4_addr\n\t\tflags interval\n"
		"\t\telements = { 192.0.2.0/24, 198.51.100.1-198.51.100.9,\n"
		"\t\t\t     203.0.113.5 timeout 1h expires 59m,\n"
		"\t\t\t     203.0.113.6 comment \"a, {b}; c\" }\n\t}\n"
		"\tset pairs {\n\t\telements = { 192.0.2.1 . 80, 192.0.2.2 . 443 }\n\t}\n"
		"\tchain in { ip saddr @bad drop; }\n}\n"
		"add element inet filter six { 2001:db8::1, # not 2001:db8::9, {\n 2001:db8::2 }\n",
		"5 192.0.2.0-192.0.2.255\n5 198.51.100.1-198.51.100.9\n6 203.0.113.5\n"
		"7 203.0.113.6\n14 2001:db8::1\n15 2001:db8::2\n");
}

static void a_very_long_line_of_elements_is_read(void **state)
{
	struct format_report report;
	char *list = NULL, *text;
	size_t length;
	FILE *file = open_memstream(&list, &length);

	(void)state;
	fputs("add element inet t s { ", file);
	for (unsigned i = 0; i < 65536; i++)
		fprintf(file, "10.1.%u.%u, ", i >> 8, i & 255);
	fputs("}\n", file);
	fclose(file);
	text = listing_read(list, length, NULL, 4096, &report);
	assert_string_equal(report.format, "nftables");
	assert_int_equal(report.entries, 65536);
	assert_int_equal(report.bad, 0);
	free(text);
	free(list);
}

static void dnsmasq_lines_are_read(void **state)
{
	(void)state;
	listing_is(
		"dnsmasq",
		"# conf\naddress=/ads.example/0.0.0.0\naddress=/a.example/b.example/\n"
		"server=/c.example/192.0.2.53\nserver=/ok.a.example/#\nlocal=/d.example/\n"
		"nftset=/e.example/4#inet#t#s\nipset=/f.example/bad,worse\naddress=/*.g.example/#\n"
		"no-resolv\ncache-size=1000\nserver=192.0.2.53\n",
		"2 .ads.example\n3 .a.example\n3 .b.example\n4 .c.example\n5 @.ok.a.example\n"
		"6 .d.example\n7 .e.example\n8 .f.example\n9 *.g.example\n");
}

static void dnsmasq_does_not_block_everything(void **state)
{
	struct format_report report;
	char *text;

	(void)state;
	text = listing_read("address=/a.example/\naddress=/#/\nserver=//\n", 42, NULL, 0, &report);
	assert_string_equal(text, "1 .a.example\n");
	assert_int_equal(report.bad, 1);
	assert_int_equal(report.bad_lines[0].line, 2);
	assert_string_equal(report.bad_lines[0].why, "holds every name");
	free(text);
}

static void adblock_lists_are_read(void **state)
{
	(void)state;
	listing_is("adblock",
		   "[Adblock Plus 2.0]\n! Title: x\n||ads.example^\n||track.example^$third-party\n"
		   "||imp.example^$important\n@@||ok.ads.example^\n@@||ok2.example^$important\n"
		   "example.com##.banner\n##.ad\n#@#.ad\n#?#div:has(a)\n||ads.example/path^\n/"
		   "banner/*\n"
		   "||ads.*^\n||*.wild.example^\n||192.0.2.1^\n|https://x.example^\n-ad-banner.\n"
		   "bare.example\n0.0.0.0 hosts.example\n||all.example^$all\n# "
		   "remark\n||end.example^|\n"
		   "||noend.example\n||com:8080^\n",
		   "3 .ads.example\n5 .imp.example\n6 @.ok.ads.example\n7 @.ok2.example\n"
		   "15 *.wild.example\n16 192.0.2.1\n19 .bare.example\n20 hosts.example\n"
		   "21 .all.example\n23 .end.example\n");
}

static void plain_lists_may_turn_into_adblock(void **state)
{
	(void)state;
	listing_is("plain",
		   "a.example\nb.example\n192.0.2.1\n||c.example^$all\n||d.example/x^$all\n",
		   "1 a.example\n2 b.example\n3 192.0.2.1\n4 .c.example\n");
}

static void rpz_zones_are_read(void **state)
{
	(void)state;
	listing_is("rpz",
		   "$TTL 300\n@ IN SOA localhost. root.localhost. ( 1 ; serial\n  3600 600\n 86400 "
		   "60 )\n"
		   "  IN NS localhost.\nbad.example CNAME .\n*.bad.example 60 IN CNAME .\n"
		   "nodata.example CNAME *.\nok.bad.example CNAME rpz-passthru.\n"
		   "self.example CNAME self.example.\ndrop.example IN CNAME rpz-drop.\n"
		   "walled.example CNAME garden.example.\nlocal.example A 192.0.2.1\n"
		   "24.0.2.0.192.rpz-ip CNAME .\n128.1.zz.db8.2001.rpz-ip CNAME .\n"
		   "48.zz.db8.2001.rpz-ip CNAME rpz-passthru.\n8.zz.rpz-ip CNAME .\n"
		   "32.1.0.0.127.rpz-client-ip CNAME .\n\"txt\" TXT \"a ; b (\"\nlast.example "
		   "CNAME . ; x\n",
		   "6 bad.example\n7 *.bad.example\n8 nodata.example\n9 @ok.bad.example\n"
		   "10 @self.example\n11 drop.example\n14 192.0.2.0-192.0.2.255\n15 2001:db8::1\n"
		   "16 @2001:db8::-2001:db8:0:ffff:ffff:ffff:ffff:ffff\n"
		   "17 ::-ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\n20 last.example\n");
}

static void rpz_owners_lose_their_zone(void **state)
{
	(void)state;
	listing_is("rpz",
		   "$ORIGIN rpz.example.\n@ SOA a. b. 1 2 3 4 5\nbad.example.rpz.example. CNAME .\n"
		   "rel.example CNAME .\n",
		   "3 bad.example\n4 rel.example\n");
	listing_is("rpz",
		   "rpz.example. 60 IN SOA a. b. 1 2 3 4 5\nbad.example.RPZ.example. CNAME .\n",
		   "2 bad.example\n");
}

static void csv_columns_are_found(void **state)
{
	(void)state;
	listing_is("csv", "1.0.0.0,1.0.0.255,AU\n2001:db8::,2001:db8::ff,DE\n",
		   "1 1.0.0.0-1.0.0.255\n2 2001:db8::-2001:db8::ff\n");
	listing_is("csv",
		   "# abuse.ch\n\"first_seen_utc\",\"dst_ip\",\"dst_port\"\n"
		   "\"2025-01-01 10:00:00\",\"192.0.2.1\",\"443\"\n\"say \"\"x\"\", "
		   "y\",\"192.0.2.2\",\"80\"\n",
		   "3 192.0.2.1\n4 192.0.2.2\n");
	listing_is("csv", "id;domain;seen\n1;ads.example;today\n2;*.b.example;today\n",
		   "2 ads.example\n3 *.b.example\n");
}

static void csv_columns_are_chosen(void **state)
{
	static const char list[] =
		"name,seen,ip\na.example,today,192.0.2.1\nb.example,today,192.0.2.2\n";
	struct format_options by_name = { .column = "NAME" };
	struct format_options by_number = { .format = "csv", .column = "1" };
	struct format_options missing = { .column = "domain" };
	struct format_report report;

	(void)state;
	listing_of_bytes_is(list, strlen(list), &by_name, "2 a.example\n3 b.example\n", &report);
	listing_of_bytes_is(list, strlen(list), &by_number, "2 a.example\n3 b.example\n", &report);
	listing_is_refused(list, strlen(list), &missing, "no column \"domain\"");
}

static void csv_rows_are_chosen_by_code(void **state)
{
	static const char list[] = "1.0.0.0,1.0.0.255,AU,64496\n1.0.1.0,1.0.3.255,CN,64497\n";
	struct format_options country = { .code = "cn" };
	struct format_options system = { .code = "AS64496" };
	struct format_report report;

	(void)state;
	listing_of_bytes_is(list, strlen(list), &country, "2 1.0.1.0-1.0.3.255\n", &report);
	listing_of_bytes_is(list, strlen(list), &system, "1 1.0.0.0-1.0.0.255\n", &report);
}

static void names_become_a_labels(void **state)
{
	(void)state;
	listing_is("plain",
		   "b\xc3\xbc\x63her.example\n*.\xd0\xbf\xd1\x80\xd0\xb8\xd0\xbc\xd0\xb5\xd1\x80."
		   "example\nxn--bcher-kva.example\n",
		   "1 xn--bcher-kva.example\n2 *.xn--e1afmkfd.example\n3 xn--bcher-kva.example\n");
}

static void bad_lines_are_told(void **state)
{
	static const char list[] =
		"\xef\xbb\xbf"
		"192.0.2.1\n0.0.0.0/0\n::/0\n::ffff:0:0/96\n192.0.2.9-192.0.2.1\n"
		"192.0.2.1/33\n192.0.2.2\n192.0.2.3\n192.0.2.4\na b c\nn\0l.example\n"
		"192.0.2.5\n192.0.2.6\n192.0.2.7\n";
	struct format_report report;
	static const unsigned lines[] = { 2, 3, 4, 5, 6, 10, 11 };
	char *text;

	(void)state;
	text = listing_read(list, sizeof(list) - 1, NULL, 5, &report);
	assert_string_equal(text, "1 192.0.2.1\n7 192.0.2.2\n8 192.0.2.3\n9 192.0.2.4\n"
				  "12 192.0.2.5\n13 192.0.2.6\n14 192.0.2.7\n");
	assert_string_equal(report.refusal, "");
	assert_int_equal(report.bad, 7);
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(report.bad_lines[i].line, lines[i]);
	assert_string_equal(report.bad_lines[0].why, "holds every address");
	assert_string_equal(report.bad_lines[3].why, "the range ends before it begins");
	assert_string_equal(report.bad_lines[6].why, "a NUL byte in the line");
	free(text);
}

static void a_line_has_a_longest_length(void **state)
{
	static char list[3 * FORMAT_LINE_MAX];
	struct format_report report;
	char *text;

	(void)state;
	memset(list, 'a', sizeof(list));
	memcpy(list, "192.0.2.1\n", 10);
	memcpy(list + sizeof(list) - 11, "\n192.0.2.2\n", 11);
	text = listing_read(list, sizeof(list), NULL, 0, &report);
	assert_string_equal(text, "1 192.0.2.1\n3 192.0.2.2\n");
	assert_int_equal(report.bad, 1);
	assert_string_equal(report.bad_lines[0].why, "the line is too long");
	free(text);
}

static void refuse(const char *list, const char *words)
{
	listing_is_refused(list, strlen(list), NULL, words);
}

static void what_is_no_list_is_refused(void **state)
{
	static const char utf16[] = "\xff\xfe"
				    "1\0.\0";
	static uint8_t noise[70000];
	struct format_options forced = { .format = "hosts" };

	(void)state;
	refuse("", "empty");
	refuse("# nothing\n\n; at all\n", "no entry");
	refuse("\n <!DOCTYPE html>\n<html><body>404</body></html>\n", "HTML");
	listing_is_refused("<html>\n192.0.2.1\n", 17, &forced, "HTML");
	refuse("Too many requests, please come back later\n192.0.2.1\nBye for now\n",
	       "2 of its 3 lines");
	refuse("https://a.example/x\nhttps://b.example/y\n", "no entry");
	refuse("{\"error\":\"no such list\"}\n", "not understood");
	listing_is_refused(utf16, sizeof(utf16), NULL, "UTF-16");
	listing_is_refused(noise, sizeof(noise), NULL, "no text");
	refuse("||a.example^$third-party\n##.ad\n", "no entry");
}

static void a_forced_format_is_taken_at_its_word(void **state)
{
	static const char list[] = "0.0.0.0 a\n0.0.0.0 b.example\n";
	struct format_options options = { .format = "hosts" };
	struct format_report report;

	(void)state;
	listing_of_bytes_is(list, strlen(list), &options, "1 a\n2 b.example\n", &report);
	options.format = "rpz";
	listing_is_refused(list, strlen(list), &options, "as rpz");
	options.format = "nonsense";
	assert_null(format_reader_new(&options, NULL, NULL));
	assert_false(format_is_known("nonsense"));
	for (const char *const *word = format_words; *word; word++)
		assert_true(format_is_known(*word));
}

static int stop_at_second(void *context, const struct list_entry *entry)
{
	unsigned *seen = context;

	(void)entry;
	return ++*seen == 2 ? -1 : 0;
}

static void the_sink_can_stop(void **state)
{
	struct format_options options = { 0 };
	struct format_report report;
	unsigned seen = 0;
	struct format_reader *reader = format_reader_new(&options, stop_at_second, &seen);

	(void)state;
	format_reader_feed(reader, "a.example\nb.example\nc.example\n", 30);
	assert_int_equal(format_reader_finish(reader, &report), FORMAT_STOPPED);
	assert_int_equal(seen, 2);
	format_reader_free(reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_lists_are_read),
		cmocka_unit_test(spamhaus_drop_is_read),
		cmocka_unit_test(hosts_files_are_read),
		cmocka_unit_test(ipset_dumps_are_read),
		cmocka_unit_test(nftables_dumps_are_read),
		cmocka_unit_test(a_very_long_line_of_elements_is_read),
		cmocka_unit_test(dnsmasq_lines_are_read),
		cmocka_unit_test(dnsmasq_does_not_block_everything),
		cmocka_unit_test(adblock_lists_are_read),
		cmocka_unit_test(plain_lists_may_turn_into_adblock),
		cmocka_unit_test(rpz_zones_are_read),
		cmocka_unit_test(rpz_owners_lose_their_zone),
		cmocka_unit_test(csv_columns_are_found),
		cmocka_unit_test(csv_columns_are_chosen),
		cmocka_unit_test(csv_rows_are_chosen_by_code),
		cmocka_unit_test(names_become_a_labels),
		cmocka_unit_test(bad_lines_are_told),
		cmocka_unit_test(a_line_has_a_longest_length),
		cmocka_unit_test(what_is_no_list_is_refused),
		cmocka_unit_test(a_forced_format_is_taken_at_its_word),
		cmocka_unit_test(the_sink_can_stop),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
