// link: policy lists daemon/supervisor/collection.c daemon/supervisor/guards.c daemon/supervisor/compiler.c daemon/supervisor/exit_status.c daemon/supervisor/shortfall.c daemon/child.c privilege daemon/descriptors.c daemon/log.c daemon/clock.c tests/unit/images.c -lyaml -lz -lzstd -llzma -lidn2 -lseccomp
/* The lists of a policy on their way into force, by the real compiler process: what is found and
 * explained, and what stays when a list turns bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "daemon/clock.h"
#include "daemon/lists/stamp.h"
#include "daemon/policy/list_reader.h"
#include "daemon/supervisor/collection.h"
#include "daemon/text.h"
#include "tests/unit/images.h"

static char messages[8192];
static struct text output;

static void note(void *context, enum severity severity, const struct place *place,
		 const char *message)
{
	(void)context;
	text_addf(&output, "%s:%u: %s: %s\n", place->file, place->line,
		  severity == SEVERITY_ERROR ? "error" : "warning", message);
}

static void put_bytes(const char *name, const void *bytes, size_t length)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	fclose(file);
}

static void put(const char *name, const char *text)
{
	put_bytes(name, text, strlen(text));
}

/* A policy with these `lists`, in force; directory as in collection_settings. */
static struct policy *load(const char *lists, const char *directory)
{
	const struct collection_settings settings = { .directory = directory,
						      .account = "nobody",
						      .report = note };
	char yaml[2048];
	struct policy *policy;

	text_begin(&output, messages, sizeof messages);
	snprintf(yaml, sizeof yaml, "headgate: 1\nlan: lan0\n%s\n", lists);
	policy = config_parse(sources_of_text("t.yaml", yaml, strlen(yaml)), note, NULL);
	if (!policy)
		fail_msg("%s", messages);
	assert_int_equal(collection_load(policy, &settings), 0);
	return policy;
}

static bool has_address(const struct policy *policy, const char *text)
{
	struct address address;

	assert_int_equal(address_parse(&address, text), 0);
	address.port = 443;
	return list_has_address(policy->lists[0], &address);
}

static bool has_host(const struct policy *policy, const char *host)
{
	return list_has_host(policy->lists[0], host);
}

/* The entry of the first list that holds the host or address; "" for none. */
static const char *explained(const struct policy *policy, const char *what)
{
	static char storage[256];
	struct address address;
	struct text text;

	text_begin(&text, storage, sizeof storage);
	if (address_parse(&address, what) == 0)
		list_print_address_entry(policy->lists[0], &address, &text);
	else
		list_print_host_entry(policy->lists[0], what, &text);
	return storage;
}

static void addresses_are_found_by_the_range_that_holds_them(void **state)
{
	struct policy *policy;

	(void)state;
	put("drop.txt",
	    "198.51.100.128/25\n192.0.2.0/24\n192.0.2.64/26\n192.0.2.7\n10.0.0.0/8\n"
	    "2001:db8:1::/48\nexample.com\n1.2.3.4/33\n");
	policy = load("lists: { drop: { addresses: drop.txt } }", NULL);
	assert_string_equal(messages,
			    "drop.txt:8: warning: 1 line is not understood and left out: line 8 "
			    "(neither an address nor a host name)\n"
			    "t.yaml:3: warning: drop.txt holds 1 name, left out: \"addresses\" takes "
			    "addresses alone\n");
	assert_true(has_address(policy, "192.0.2.0"));
	assert_true(has_address(policy, "192.0.2.255"));
	assert_true(has_address(policy, "10.255.255.255"));
	assert_true(has_address(policy, "2001:db8:1:ffff::1"));
	assert_false(has_address(policy, "192.0.3.0"));
	assert_false(has_address(policy, "198.51.100.127"));
	assert_false(has_address(policy, "9.255.255.255"));
	assert_false(has_address(policy, "2001:db8:2::"));
	policy_release(policy);
}

static void what_an_ad_blocker_allows_is_taken_away(void **state)
{
	struct policy *policy;

	(void)state;
	put("ads.txt", "||ads.example^\n@@||ok.ads.example^\n||x.ok.ads.example^\n||b.example^\n"
		       "@@||b.example^\n");
	policy = load("lists: { ads: { names: ads.txt } }", NULL);
	assert_true(has_host(policy, "ads.example"));
	assert_true(has_host(policy, "www.ads.example"));
	assert_false(has_host(policy, "ok.ads.example"));
	assert_false(has_host(policy, "x.ok.ads.example"));
	assert_false(has_host(policy, "b.example"));
	assert_string_equal(explained(policy, "x.ok.ads.example"), "");
	policy_release(policy);
}

static void addresses_that_do_not_match_are_taken_away(void **state)
{
	struct policy *policy;

	(void)state;
	put("drop.txt", "create drop hash:net family inet\nadd drop 192.0.2.0/24\n"
			"add drop 192.0.2.7 nomatch\n");
	policy = load("lists: { drop: { addresses: drop.txt } }", NULL);
	assert_true(has_address(policy, "192.0.2.6"));
	assert_false(has_address(policy, "192.0.2.7"));
	assert_string_equal(explained(policy, "192.0.2.7"), "");
	assert_string_equal(explained(policy, "192.0.2.8"), "drop.txt:2: add drop 192.0.2.0/24");
	policy_release(policy);
}

static void explain_finds_the_line_in_either_file(void **state)
{
	struct policy *policy;

	(void)state;
	put("drop.txt", "# top\n192.0.2.0/24 ; SBL1\n");
	put("ads.txt", "\n.ads.example # all of it\n203.0.113.9\nc.ads.example\r\n");
	policy = load("lists: { a: { addresses: drop.txt, names: ads.txt } }", NULL);
	assert_true(has_host(policy, "203.0.113.9"));
	assert_false(has_host(policy, "bads.example"));
	assert_string_equal(explained(policy, "x.ads.example"),
			    "ads.txt:2: .ads.example # all of it");
	assert_string_equal(explained(policy, "203.0.113.9"), "ads.txt:3: 203.0.113.9");
	assert_string_equal(explained(policy, "192.0.2.9"), "drop.txt:2: 192.0.2.0/24 ; SBL1");
	put("drop.txt", "a line in front\n# top\n192.0.2.0/24 ; SBL2\n");
	assert_string_equal(explained(policy, "192.0.2.9"), "drop.txt:2: 192.0.2.0/24");
	policy_release(policy);
}

/* "# a\nb.example\nc.example\n", packed by gzip. */
static const uint8_t packed[] = {
	0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x53, 0x56, 0x48, 0xe4,
	0x4a, 0xd2, 0x4b, 0xad, 0x48, 0xcc, 0x2d, 0xc8, 0x49, 0xe5, 0x4a, 0x86, 0xb3, 0x00,
	0x1f, 0x67, 0x2c, 0x07, 0x18, 0x00, 0x00, 0x00,
};

static void packed_and_binary_lists_are_explained(void **state)
{
	static const struct image_prefix prefixes[] = { { "192.0.2.0/24", "=DE" },
							{ "198.51.100.0/24", "=FR" },
							{ "203.0.113.0/24", "=DE" } };
	struct image image = image_mmdb(prefixes, 3, 4, 24);
	struct policy *policy;

	(void)state;
	put_bytes("names.gz", packed, sizeof packed);
	policy = load("lists: { a: { names: names.gz } }", NULL);
	assert_string_equal(explained(policy, "c.example"), "names.gz: line 3: c.example");
	policy_release(policy);
	put_bytes("geo.mmdb", image.bytes, image.length);
	policy = load("lists: { de: { addresses: geo.mmdb, code: DE } }", NULL);
	assert_false(has_address(policy, "198.51.100.1"));
	assert_string_equal(explained(policy, "203.0.113.9"),
			    "geo.mmdb: entry 3: 203.0.113.0/24");
	policy_release(policy);
	image_free(&image);
}

static bool list_holds(const struct policy *policy, const char *name, const char *text)
{
	struct address address;

	assert_int_equal(address_parse(&address, text), 0);
	return list_has_address(list_of_name(policy, name), &address);
}

/* The file is read once for all, also for a country of which it knows nothing. */
static void countries_of_one_file_are_told_apart(const char *file)
{
	struct policy *policy;
	char lists[512];

	snprintf(lists, sizeof lists,
		 "countries: %s\nlists: { system: { addresses: %s, code: AS64496 }, "
		 "other: { addresses: other.csv, code: DE }, again: { addresses: %s, code: de } }\n"
		 "rules: [{ when: { address: [country DE, country FR, country QQ] }, do: block }]",
		 file, file, file);
	policy = load(lists, NULL);
	assert_true(list_holds(policy, "country DE", "192.0.2.1"));
	assert_false(list_holds(policy, "country FR", "192.0.2.1"));
	assert_true(list_holds(policy, "again", "192.0.2.1"));
	assert_true(list_holds(policy, "country FR", "198.51.100.1"));
	assert_true(list_holds(policy, "country DE", "203.0.113.1"));
	assert_true(list_holds(policy, "system", "203.0.114.1"));
	assert_false(list_holds(policy, "system", "203.0.113.1"));
	assert_true(list_holds(policy, "other", "10.0.0.1"));
	assert_false(list_holds(policy, "country DE", "10.0.0.1"));
	assert_false(list_holds(policy, "country QQ", "192.0.2.1"));
	assert_non_null(strstr(messages, "is refused: it holds no entry"));
	assert_null(strstr(strstr(messages, "is refused") + 1, "is refused"));
	policy_release(policy);
}

static void countries_are_told_apart(void **state)
{
	static const struct image_prefix prefixes[] = { { "192.0.2.0/24", "=DE" },
							{ "198.51.100.0/24", "=FR" },
							{ "203.0.113.0/24", "=DE" },
							{ "203.0.114.0/24", "AS64496" } };
	struct image image = image_mmdb(prefixes, 4, 4, 24);

	(void)state;
	put("other.csv", "10.0.0.0,10.0.0.255,DE\n");
	put_bytes("geo.mmdb", image.bytes, image.length);
	image_free(&image);
	countries_of_one_file_are_told_apart("geo.mmdb");
	put("geo.csv", "192.0.2.0,192.0.2.255,DE,Germany\n198.51.100.0,198.51.100.255,FR,France\n"
		       "203.0.113.0,203.0.113.255,DE,Germany\n203.0.114.0,203.0.114.255,64496,Example\n");
	countries_of_one_file_are_told_apart("geo.csv");
}

/* More than waits in memory. */
static void large_parts_come_back_whole(void **state)
{
	FILE *file = fopen("geo.csv", "w");
	struct policy *policy;
	char address[32];

	(void)state;
	assert_non_null(file);
	for (unsigned i = 0; i < 3000; i++)
		fprintf(file, "10.%u.%u.0,10.%u.%u.9,%s\n", i / 256, i % 256, i / 256, i % 256,
			i % 3 ? "DE" : "FR");
	fclose(file);
	policy = load("countries: geo.csv\n"
		      "rules: [{ when: { address: [country DE, country FR] }, do: block }]", NULL);
	for (unsigned i = 0; i < 3000; i++) {
		snprintf(address, sizeof address, "10.%u.%u.9", i / 256, i % 256);
		assert_true(list_holds(policy, i % 3 ? "country DE" : "country FR", address));
		assert_false(list_holds(policy, i % 3 ? "country FR" : "country DE", address));
	}
	policy_release(policy);
}

static void lists_of_never_become_names(void **state)
{
	struct policy *policy;

	(void)state;
	put("banks.txt", ".bank.example\n*.safe.example\n");
	policy = load("authority: { never: [mine.example, list banks] }\n"
		      "lists: { banks: { names: banks.txt } }",
		      NULL);
	assert_int_equal(policy->authority.never_count, 3);
	assert_string_equal(policy->authority.never[0].name, "mine.example");
	policy_release(policy);
}

static ino_t inode_of(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? status.st_ino : 0;
}

static const char both[] = "lists: { drop: { addresses: drop.txt }, ads: { names: ads.txt } }";

static void what_has_not_changed_is_not_written_again(void **state)
{
	struct policy *policy;
	ino_t before;

	(void)state;
	put("drop.txt", "192.0.2.0/24\n");
	put("ads.txt", "ads.example\n");
	policy_release(load(both, "kept"));
	before = inode_of("kept/compiled");
	assert_true(before);
	policy_release(load(both, "kept"));
	assert_int_equal(inode_of("kept/compiled"), before);
	put("drop.txt", "192.0.2.0/24\n"); /* the same again, but dated anew */
	policy_release(load(both, "kept"));
	assert_int_equal(inode_of("kept/compiled"), before);
	put("drop.txt", "198.51.100.0/24\n");
	policy = load(both, "kept");
	assert_int_not_equal(inode_of("kept/compiled"), before);
	assert_true(has_address(policy, "198.51.100.1"));
	assert_false(has_address(policy, "192.0.2.1"));
	policy_release(policy);
}

/* A change that is too young to be told from the next has no stamp yet. */
static void let_settle(const char *name)
{
	static const struct format_options options;
	const struct timespec pause = { 0, 2000000 };
	FILE *file = fopen(name, "re");

	assert_non_null(file);
	for (unsigned i = 0; i < 2000 && !stamp_of(fileno(file), &options); i++)
		nanosleep(&pause, NULL);
	fclose(file);
}

/* Only who reads the list complains about it. */
static bool is_read_again(void)
{
	policy_release(load(both, "seen"));
	return strstr(messages, "not understood") != NULL;
}

static void what_is_saved_anew_without_a_change_is_read_once(void **state)
{
	static const char list[] = "192.0.2.0/24\n192.0.2.0/33\n198.51.100.0/24\n";
	ino_t before;

	(void)state;
	put("drop.txt", list);
	put("ads.txt", "ads.example\n");
	let_settle("drop.txt");
	let_settle("ads.txt");
	assert_true(is_read_again());
	assert_false(is_read_again());
	before = inode_of("seen/compiled");
	put("drop.txt", list);
	let_settle("drop.txt");
	assert_true(is_read_again());
	assert_false(is_read_again());
	/* A file that is damaged, or about others, says nothing. */
	put("seen/stamps", "nonsense that is longer than the head of that file is");
	assert_true(is_read_again());
	assert_false(is_read_again());
	assert_int_equal(inode_of("seen/compiled"), before);
	put("drop.txt", "192.0.2.0/24\n192.0.2.0/33\n203.0.113.0/24\n");
	let_settle("drop.txt");
	assert_true(is_read_again());
	assert_int_not_equal(inode_of("seen/compiled"), before);
	assert_false(is_read_again());
}

/* Each of these in the place of a good list, which must stay in force. */
static void a_bad_list_keeps_its_last_good_entries(void **state)
{
	static const struct {
		const char *text; /* NULL: no file */
		const char *why;
	} bad[] = {
		{ NULL, "cannot be read: No such file or directory" },
		{ "<!DOCTYPE html>\n<html><body>502</body></html>\n",
		  "it is an HTML or XML page, not a list" },
		{ "0.0.0.0/0\n", "of its" },
		{ "what is\nthis supposed to be\n10.0.0.1\n", "of its 3 lines" },
		{ "names.example\n", "it holds names and no addresses" },
	};
	struct policy *policy;

	(void)state;
	put("ads.txt", "ads.example\n");
	put("drop.txt", "192.0.2.0/24\n");
	policy_release(load(both, "bad"));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		unlink("drop.txt");
		if (bad[i].text)
			put("drop.txt", bad[i].text);
		policy = load(both, "bad");
		assert_true(has_address(policy, "192.0.2.1"));
		assert_true(list_has_host(policy->lists[1], "ads.example"));
		assert_non_null(strstr(messages, "t.yaml:3: error: drop.txt "));
		if (!strstr(messages, bad[i].why))
			fail_msg("%s", messages);
		assert_non_null(strstr(messages, " stays in force\n"));
		assert_string_equal(explained(policy, "192.0.2.1"), "drop.txt:1: 192.0.2.0/24");
		policy_release(policy);
	}
	policy = load(both, NULL);
	assert_false(has_address(policy, "192.0.2.1"));
	assert_null(strstr(messages, "stays in force"));
	policy_release(policy);
}

static void put_sparse(const char *name)
{
	put(name, "192.0.2.0/24\n");
	assert_int_equal(truncate(name, INT64_C(2) << 30), 0);
}

static void put_lines(const char *name)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	for (unsigned i = 0; i < 10000000; i++)
		fprintf(file, "%u.%u.%u.9\n", 1 + (i >> 16) % 9, i >> 8 & 255, i & 255);
	fclose(file);
}

/* A gigabyte of zeros in a megabyte. */
static void put_bomb(const char *name)
{
	static const uint8_t zeros[1 << 20];
	gzFile file = gzopen(name, "wb1");

	assert_non_null(file);
	for (int i = 0; i < 1024; i++)
		assert_int_equal(gzwrite(file, zeros, sizeof zeros), sizeof zeros);
	gzclose(file);
}

static void put_cut_short(const char *name)
{
	put_bytes(name, packed, sizeof packed - 9);
}

static void put_nuls(const char *name)
{
	static const uint8_t nuls[] = "192.0.2.1\0\n\0\0\n192.0.2.2\0";

	put_bytes(name, nuls, sizeof nuls);
}

static void put_pipe(const char *name)
{
	unlink(name);
	assert_int_equal(mkfifo(name, 0600), 0);
}

static void put_mapped_everything(const char *name)
{
	put(name, "::ffff:0.0.0.0/96\n");
}

#ifndef SANITIZED
static long peak_of_children(void)
{
	struct rusage usage;

	getrusage(RUSAGE_CHILDREN, &usage);
	return usage.ru_maxrss;
}
#endif

/* None of these gets in, takes long, or takes more memory than a small router can give. */
static void a_hostile_list_hurts_nobody(void **state)
{
	static const struct {
		void (*put)(const char *name);
		const char *why;
	} hostile[] = {
		{ put_sparse, "is larger than 512 MB" },
		{ put_lines, "holds more than 5000000 entries" },
		{ put_bomb, "unpacks to suspiciously much" },
		{ put_cut_short, "cut short" },
		{ put_nuls, "is no text" },
		{ put_pipe, "is not a regular file" },
		{ put_mapped_everything, "not understood" },
	};
	struct policy *policy;

	(void)state;
	put("ads.txt", "ads.example\n");
	put("drop.txt", "192.0.2.0/24\n");
	policy_release(load(both, "hostile"));
	for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
		unlink("drop.txt");
		hostile[i].put("drop.txt");
		policy = load(both, "hostile");
		if (!strstr(messages, hostile[i].why) || !strstr(messages, " stays in force\n"))
			fail_msg("%s", messages);
		assert_true(has_address(policy, "192.0.2.1"));
		assert_false(has_address(policy, "1.0.0.9"));
		assert_true(list_has_host(policy->lists[1], "ads.example"));
		policy_release(policy);
	}
	unlink("drop.txt");
#ifndef SANITIZED
	assert_true(peak_of_children() < 64 * 1024);
#endif
}

static void a_damaged_compiled_file_is_made_anew(void **state)
{
	struct policy *policy;

	(void)state;
	put("drop.txt", "192.0.2.0/24\n");
	put("ads.txt", "ads.example\n");
	policy = load(both, "damaged");
	assert_int_equal(truncate("damaged/compiled", 100), 0);
	policy_release(policy);
	put("damaged/compiled.new", "half written");
	policy = load(both, "damaged");
	assert_non_null(strstr(messages, "damaged/compiled is not taken (it is damaged"));
	assert_true(has_address(policy, "192.0.2.1"));
	assert_int_equal(access("damaged/compiled.new", F_OK), -1);
	policy_release(policy);
}

/* A port of the LAN without addresses, in a network of its own. */
static bool draw_lan(void)
{
	return geteuid() == 0 && unshare(CLONE_NEWNET) == 0 &&
	       system("ip link add lan0 type veth peer name lan1 && ip link set lan0 up") == 0;
}

static const char blocking[] = "lists: { drop: { addresses: drop.txt } }\n"
			       "rules: [{ when: { address: list drop }, do: block }]";

/* Loads; true when the lists in force spare the LAN. */
static bool spares_lan(void)
{
	struct policy *policy = load(blocking, "guarded");
	bool spared = !has_address(policy, "192.0.2.1");

	assert_true(has_address(policy, "203.0.113.9"));
	policy_release(policy);
	return spared;
}

static void lan_is_guarded_once_it_has_addresses(void **state)
{
	struct policy *policy;
	ino_t before;

	(void)state;
	if (!draw_lan())
		skip();
	put("drop.txt", "192.0.2.0/24\n203.0.113.0/24\n");
	let_settle("drop.txt");
	policy = load(blocking, "guarded");
	assert_true(has_address(policy, "192.0.2.1"));
	assert_true(collection_is_guarding(policy));
	assert_int_equal(system("ip address add 192.0.2.129/25 dev lan0"), 0);
	assert_false(collection_is_guarding(policy));
	policy_release(policy);

	assert_true(spares_lan());
	assert_non_null(strstr(messages, "1 entry is left out, the first in line 1"));
	before = inode_of("guarded/compiled");
	/* Another address of the same network, or of the link alone, or none: nothing is compiled. */
	assert_int_equal(system("ip address add 192.0.2.130/25 dev lan0 && "
				"ip address add fe80::77/64 dev lan0"), 0);
	assert_true(spares_lan());
	assert_int_equal(system("ip address flush dev lan0"), 0);
	assert_true(spares_lan());
	assert_int_equal(inode_of("guarded/compiled"), before);
	/* Another network: what was spared before is blocked. */
	assert_int_equal(system("ip address add 198.51.100.1/24 dev lan0"), 0);
	assert_false(spares_lan());
	assert_int_not_equal(inode_of("guarded/compiled"), before);
}

enum { KILLS = 200, MANY = 4000 };

/* Every name says which writing of the list it is of. */
static void put_names(unsigned writing)
{
	FILE *file = fopen("ads.txt", "w");

	assert_non_null(file);
	for (unsigned i = 0; i < MANY; i++)
		fprintf(file, "host%u.of-%u.example\n", i, writing);
	fclose(file);
}

/* Loads in a process of its own, which is killed with its compiler after so many microseconds; 0:
 * never. How long it took. */
static int64_t load_and_kill(unsigned microseconds)
{
	int64_t begin = clock_steady();
	pid_t child = fork();

	if (child == 0) {
		setpgid(0, 0);
		policy_release(load(both, "killed"));
		_exit(0);
	}
	setpgid(child, child);
	if (microseconds) {
		usleep(microseconds);
		kill(-child, SIGKILL);
	}
	waitpid(child, NULL, 0);
	return clock_steady() - begin;
}

/* The writing that the file holds: all of it, and nothing of another. */
static unsigned writing_in_force(unsigned newest)
{
	struct compiled compiled;
	struct list_set set;
	char name[64];
	unsigned found = 0;

	assert_int_equal(compiled_open(&compiled, "killed/compiled"), 0);
	assert_true(compiled_verify(&compiled));
	assert_int_equal(compiled.suffixes.count, MANY);
	for (unsigned writing = newest; !found; writing--) {
		snprintf(name, sizeof name, "host0.of-%u.example", writing);
		found = suffixes_find(&compiled.suffixes, name, &set) ? writing : 0;
		assert_true(found || writing > 1);
	}
	for (unsigned i = 0; i < MANY; i += 97) {
		snprintf(name, sizeof name, "host%u.of-%u.example", i, found);
		assert_true(suffixes_find(&compiled.suffixes, name, &set));
	}
	compiled_close(&compiled);
	return found;
}

/* Wherever the work is cut off, what is there is whole: the old lists or the new ones. */
static void whatever_is_killed_leaves_whole_lists(void **state)
{
	unsigned before = 1, changes = 0;
	int64_t whole;

	(void)state;
	put("drop.txt", "192.0.2.0/24\n");
	put_names(1);
	whole = load_and_kill(0);
	srand(1);
	for (unsigned kill = 2; kill < KILLS + 2; kill++) {
		unsigned found;

		put_names(kill);
		load_and_kill(1 + (unsigned)((double)rand() / RAND_MAX * 1.3 * (double)whole));
		found = writing_in_force(kill);
		assert_true(found == before || found == kill);
		changes += found == kill;
		before = found;
	}
	/* Both happened, or the moments were all before or all after the work. */
	assert_true(changes > 0 && changes < KILLS);
	put_names(KILLS + 2);
	load_and_kill(0);
	assert_int_equal(writing_in_force(KILLS + 2), KILLS + 2);
}

static void what_is_in_force_survives_its_file(void **state)
{
	struct policy *policy, *next;

	(void)state;
	put("drop.txt", "192.0.2.0/24\n");
	put("ads.txt", "ads.example\n");
	policy = load(both, "mapped");
	put("drop.txt", "198.51.100.0/24\n");
	next = load(both, "mapped");
	assert_true(has_address(policy, "192.0.2.1"));
	assert_true(has_address(next, "198.51.100.1"));
	policy_release(next);
	policy_release(policy);
}

/* The one child of this process; 0 for none. */
static pid_t only_child(void)
{
	char path[64];
	FILE *file;
	int child = 0;

	snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	file = fopen(path, "r");
	if (file && fscanf(file, "%d", &child) != 1)
		child = 0;
	if (file)
		fclose(file);
	return child;
}

/* Begins to compile and kills who does it; false when it was done before. */
static bool kill_compiler(struct policy *policy, const struct policy *other)
{
	const struct collection_settings settings = { .directory = "starved", .account = "nobody", .report = note };
	struct collection *collection = collection_begin(policy, &settings);
	pid_t child = only_child();
	bool lacks;

	assert_non_null(collection);
	assert_int_not_equal(child, 0);
	assert_int_equal(kill(child, SIGKILL), 0);
	while (!collection_hear(collection))
		usleep(1000);
	lacks = collection_lacks(collection, other);
	assert_int_equal(collection_finish(collection), 0);
	waitpid(child, NULL, 0);
	if (!policy->lists_trouble)
		return false;
	/* Only a list that was never there is missing, and only where nobody had it before. */
	assert_int_equal(lacks, policy->list_count > other->list_count);
	return true;
}

static struct policy *parse(const char *lists)
{
	char yaml[512];

	text_begin(&output, messages, sizeof messages);
	snprintf(yaml, sizeof yaml, "headgate: 1\nlan: lan0\n%s\n", lists);
	return config_parse(sources_of_text("t.yaml", yaml, strlen(yaml)), note, NULL);
}

static void where_memory_is_out_lists_stay_and_it_is_told(void **state)
{
	static const char more[] = "lists: { drop: { addresses: drop.txt }, ads: { names: ads.txt }, more: { names: ads.txt } }";
	struct policy *before, *policy;
	FILE *file;

	(void)state;
	put("drop.txt", "192.0.2.0/24\n");
	put("ads.txt", "ads.example\n");
	before = load(both, "starved");
	file = fopen("drop.txt", "w");
	assert_non_null(file);
	for (unsigned i = 0; i < 200000; i++)
		fprintf(file, "198.%u.%u.%u\n", i >> 16, i >> 8 & 255, i & 255);
	fclose(file);
	for (unsigned i = 0; i < 2; i++) {
		policy = parse(i ? more : both);
		/* It may be done before anybody kills it; then it has nothing to do the next time. */
		if (kill_compiler(policy, before)) {
			assert_non_null(strstr(messages, "not enough memory: about "));
			assert_non_null(strstr(messages, "; what was compiled before stays in force"));
			assert_non_null(strstr(policy->lists[0]->trouble, "is not compiled: not enough memory"));
			assert_null(policy->lists[1]->trouble);
			assert_true(has_address(policy, "192.0.2.1"));
			assert_false(has_address(policy, "198.0.0.1"));
		}
		policy_release(policy);
	}
	policy_release(before);
}

static char folder[] = "/tmp/headgate-collection-XXXXXX";

static int enter_folder(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	return mkdtemp(folder) && chmod(folder, 0755) == 0 ? chdir(folder) : -1;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return chdir("/") || system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_found_by_the_range_that_holds_them),
		cmocka_unit_test(what_an_ad_blocker_allows_is_taken_away),
		cmocka_unit_test(addresses_that_do_not_match_are_taken_away),
		cmocka_unit_test(explain_finds_the_line_in_either_file),
		cmocka_unit_test(packed_and_binary_lists_are_explained),
		cmocka_unit_test(countries_are_told_apart),
		cmocka_unit_test(large_parts_come_back_whole),
		cmocka_unit_test(lists_of_never_become_names),
		cmocka_unit_test(what_has_not_changed_is_not_written_again),
		cmocka_unit_test(what_is_saved_anew_without_a_change_is_read_once),
		cmocka_unit_test(a_bad_list_keeps_its_last_good_entries),
		cmocka_unit_test(a_hostile_list_hurts_nobody),
		cmocka_unit_test(a_damaged_compiled_file_is_made_anew),
		cmocka_unit_test(what_is_in_force_survives_its_file),
		cmocka_unit_test(lan_is_guarded_once_it_has_addresses),
		cmocka_unit_test(whatever_is_killed_leaves_whole_lists),
		cmocka_unit_test(where_memory_is_out_lists_stay_and_it_is_told),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, enter_folder, remove_folder);
}
