// link: daemon/supervisor/pulse.c
/* Who is stuck, and who only waits for the disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/supervisor/pulse.h"

static const char name[] = "pulse_test.page";

/* Answers each byte with one, after it has read a page from the disk if it can: 'y' when it had to wait for it. */
static void read_pages(int asked, int answer)
{
	int file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct rusage before, after;
	char byte = 'n';

	unlink(name);
	while (read(asked, &byte, 1) == 1) {
		volatile char *page;

		getrusage(RUSAGE_SELF, &before);
		if (pwrite(file, "page", 4, 0) == 4 && fsync(file) == 0 &&
		    posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) == 0) {
			page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
			if (page != MAP_FAILED) {
				byte = page[0];
				munmap((void *)page, 4096);
			}
		}
		getrusage(RUSAGE_SELF, &after);
		byte = after.ru_majflt > before.ru_majflt ? 'y' : 'n';
		if (write(answer, &byte, 1) != 1)
			break;
	}
	_exit(0);
}

struct reader {
	pid_t pid;
	int ask[2], answer[2];
};

/* True when it had to wait for the disk. */
static bool reads_a_page(const struct reader *reader)
{
	char byte = 'n';

	assert_int_equal(write(reader->ask[1], "", 1), 1);
	assert_int_equal(read(reader->answer[0], &byte, 1), 1);
	return byte == 'y';
}

static int begin_reader(void **state)
{
	static struct reader reader;

	if (pipe(reader.ask) < 0 || pipe(reader.answer) < 0)
		return -1;
	reader.pid = fork();
	if (reader.pid == 0) {
		close(reader.ask[1]);
		read_pages(reader.ask[0], reader.answer[1]);
	}
	*state = &reader;
	if (reader.pid > 0)
		reads_a_page(&reader); /* from now on it waits */
	return reader.pid < 0 ? -1 : 0;
}

static int end_reader(void **state)
{
	struct reader *reader = *state;

	kill(reader->pid, SIGKILL);
	return waitpid(reader->pid, NULL, 0) == reader->pid ? 0 : -1;
}

static void one_that_beats_never_stands(void **state)
{
	const struct reader *reader = *state;
	struct pulse pulse = { 0 };

	for (uint64_t beat = 1; beat < 10; beat++)
		assert_false(pulse_stands(&pulse, beat, reader->pid));
}

static void one_that_does_nothing_stands_after_three_seconds(void **state)
{
	const struct reader *reader = *state;
	struct pulse pulse = { 0 };

	assert_false(pulse_stands(&pulse, 1, reader->pid));
	for (int round = 0; round < 2; round++) {
		assert_false(pulse_stands(&pulse, 1, reader->pid));
		assert_false(pulse_stands(&pulse, 1, reader->pid));
		assert_true(pulse_stands(&pulse, 1, reader->pid));
	}
}

static void one_that_reads_its_pages_has_longer_but_not_for_ever(void **state)
{
	const struct reader *reader = *state;
	struct pulse pulse = { 0 };
	unsigned looks = 0;

	if (!reads_a_page(reader))
		skip(); /* the files here are in memory */
	assert_false(pulse_stands(&pulse, 1, reader->pid));
	while (!pulse_stands(&pulse, 1, reader->pid)) {
		assert_true(reads_a_page(reader));
		looks++;
	}
	assert_int_equal(looks + 1, PULSE_MISSED_MAX + PULSE_READING_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_beats_never_stands),
		cmocka_unit_test(one_that_does_nothing_stands_after_three_seconds),
		cmocka_unit_test(one_that_reads_its_pages_has_longer_but_not_for_ever),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, begin_reader, end_reader);
}
