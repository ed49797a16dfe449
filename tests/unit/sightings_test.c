// link: daemon/packet/sightings.c daemon/lists/hash.c daemon/address.c
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/packet/sightings.h"

enum { NOW = 1000, ADDRESSES = 200, STEPS = 20000, WRITERS = 4, KILLS = 200, FEW = 8 };

static const uint8_t seed[SIGHTINGS_SEED] = "not for the wild";

static struct address number(unsigned i)
{
	struct address address = { .family = i % 2 ? AF_INET6 : AF_INET };

	address.bytes[0] = 192;
	address.bytes[2] = (uint8_t)(i >> 8);
	address.bytes[3] = (uint8_t)i;
	return address;
}

static void a_name_is_known_for_its_time(void **state)
{
	struct sightings *sightings = *state;
	const struct address v4 = number(2), v6 = number(3);
	char name[NAME_SIZE];

	assert_false(sightings_find(sightings, &v4, NOW, name));
	assert_string_equal(name, "");
	sightings_note(sightings, &v4, "a.example", 300, NOW);
	sightings_note(sightings, &v6, "b.example", 1, NOW);
	assert_true(sightings_find(sightings, &v4, NOW + 299, name));
	assert_string_equal(name, "a.example");
	assert_false(sightings_find(sightings, &v4, NOW + 300, name));
	assert_true(sightings_find(sightings, &v6, NOW + SIGHTING_SECONDS_MIN - 1, name));
	assert_false(sightings_find(sightings, &v6, NOW + SIGHTING_SECONDS_MIN, name));
	sightings_note(sightings, &v4, "c.example", UINT32_MAX, NOW);
	assert_true(sightings_find(sightings, &v4, NOW + SIGHTING_SECONDS_MAX - 1, name));
	assert_string_equal(name, "c.example");
	assert_false(sightings_find(sightings, &v4, NOW + SIGHTING_SECONDS_MAX, name));
}

static void the_same_bytes_of_another_family_are_another_address(void **state)
{
	struct sightings *sightings = *state;
	const struct address v4 = number(2);
	struct address v6 = v4;
	char name[NAME_SIZE];

	v6.family = AF_INET6;
	sightings_note(sightings, &v4, "a.example", 300, NOW);
	assert_false(sightings_find(sightings, &v6, NOW, name));
}

static void more_than_fits_takes_the_place_of_what_ends_first(void **state)
{
	struct sightings *sightings = *state;
	unsigned known = 0;
	char name[NAME_SIZE];

	for (unsigned i = 0; i < 4 * SIGHTINGS_MAX; i++) {
		const struct address address = number(i);

		sightings_note(sightings, &address, "a.example", 60 + i, NOW);
		assert_true(sightings_find(sightings, &address, NOW, name));
	}
	for (unsigned i = 0; i < 4 * SIGHTINGS_MAX; i++) {
		const struct address address = number(i);

		known += sightings_find(sightings, &address, NOW, name);
	}
	assert_int_equal(known, SIGHTINGS_MAX);
}

/* The twin: one place for each address. */
static void it_says_what_a_plain_array_says(void **state)
{
	static struct {
		char name[NAME_SIZE];
		int64_t until;
	} twin[ADDRESSES];
	struct sightings *sightings = *state;
	int64_t now = NOW;

	srandom(1);
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned i = (unsigned)random() % ADDRESSES;
		const struct address address = number(i);
		uint32_t ttl = 60 + (uint32_t)random() % 2000;
		char name[NAME_SIZE];
		bool found = sightings_find(sightings, &address, now, name);

		assert_int_equal(found, twin[i].until > now);
		if (found)
			assert_string_equal(name, twin[i].name);
		now += random() % 3;
		if (random() % 2)
			continue;
		memset(twin[i].name, 'a' + (int)(random() % 26), 253);
		twin[i].name[1 + random() % 253] = '\0';
		twin[i].until = now + ttl;
		sightings_note(sightings, &address, twin[i].name, ttl, now);
	}
}

/* Each name says for which address it is, and is of one letter and one length from its first character to its last. */
static void fill(char name[static NAME_SIZE], unsigned i, unsigned variant)
{
	size_t length = 10 + variant * 9 % 240;

	memset(name, 'a' + (int)(variant % 26), length);
	name[length] = '\0';
	name[0] = (char)('0' + i);
	name[length - 1] = (char)('0' + i);
}

static bool is_whole(const char *name, unsigned i)
{
	size_t length = strlen(name);

	if (length < 10 || name[0] != (char)('0' + i) || name[length - 1] != name[0])
		return false;
	return strspn(name + 1, (char[]){ name[1], '\0' }) == length - 2;
}

static pid_t begin_writer(struct sightings *sightings)
{
	pid_t writer = fork();

	if (writer)
		return writer;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned variant = (unsigned)getpid();; variant++) {
		const struct address address = number(variant % FEW);
		char name[NAME_SIZE];

		fill(name, variant % FEW, variant);
		sightings_note(sightings, &address, name, 300, NOW);
	}
}

static void end_writer(pid_t writer)
{
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
}

static unsigned look_at_all(const struct sightings *sightings)
{
	unsigned found = 0;

	for (unsigned i = 0; i < FEW; i++) {
		const struct address address = number(i);
		char name[NAME_SIZE];

		if (!sightings_find(sightings, &address, NOW, name))
			continue;
		assert_true(is_whole(name, i));
		found++;
	}
	return found;
}

/* Writers get in each other's way and are killed wherever they are. */
static void nobody_reads_halves_and_nothing_stays_locked(void **state)
{
	struct sightings *sightings = *state;
	pid_t writers[WRITERS];
	unsigned found = 0;

	for (unsigned i = 0; i < WRITERS; i++)
		writers[i] = begin_writer(sightings);
	for (unsigned i = 0; i < KILLS; i++) {
		found += look_at_all(sightings);
		end_writer(writers[i % WRITERS]);
		writers[i % WRITERS] = begin_writer(sightings);
	}
	for (unsigned i = 0; i < WRITERS; i++)
		end_writer(writers[i]);
	look_at_all(sightings);
	for (unsigned i = 0; i < FEW; i++) {
		const struct address address = number(i);
		char name[NAME_SIZE];

		fill(name, i, i);
		sightings_note(sightings, &address, name, 300, NOW);
	}
	assert_int_equal(look_at_all(sightings), FEW);
	print_message("# %u times a name was found while others wrote\n", found);
}

/* The next program goes on with the table, if it knows its form. */
static void whoever_has_the_file_has_the_names(void **state)
{
	const struct address address = number(2);
	int file = sightings_make(seed), odd = memfd_create("odd", MFD_ALLOW_SEALING);
	struct sightings *before = sightings_open(file), *after = sightings_open(file);
	uint64_t form = 7;
	char name[NAME_SIZE];

	(void)state;
	assert_non_null(before);
	assert_non_null(after);
	sightings_note(before, &address, "a.example", 300, NOW);
	sightings_close(before);
	assert_true(sightings_find(after, &address, NOW, name));
	assert_string_equal(name, "a.example");
	sightings_close(after);
	assert_int_equal(ftruncate(file, 4096), -1);
	assert_int_equal(pwrite(file, &form, sizeof(form), 0), sizeof(form));
	assert_null(sightings_open(file));
	assert_null(sightings_open(odd));
	assert_int_equal(ftruncate(odd, lseek(file, 0, SEEK_END)), 0);
	assert_null(sightings_open(odd)); /* may be cut short */
	close(file);
	close(odd);
}

static int begin(void **state)
{
	int file = sightings_make(seed);

	*state = sightings_open(file);
	close(file);
	return *state ? 0 : -1;
}

static int end(void **state)
{
	sightings_close(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_name_is_known_for_its_time, begin, end),
		cmocka_unit_test_setup_teardown(
			the_same_bytes_of_another_family_are_another_address, begin, end),
		cmocka_unit_test_setup_teardown(more_than_fits_takes_the_place_of_what_ends_first,
						begin, end),
		cmocka_unit_test_setup_teardown(it_says_what_a_plain_array_says, begin, end),
		cmocka_unit_test(whoever_has_the_file_has_the_names),
		cmocka_unit_test_setup_teardown(nobody_reads_halves_and_nothing_stays_locked, begin,
						end),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
