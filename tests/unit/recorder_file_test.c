// link: recorder tests/unit/recording.c -ljansson -levent_core -lseccomp
/* The file that the recorder writes: whose it is, when it begins anew, what a full disk costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/recording.h"

static void the_file_belongs_to_the_account_alone(void **state)
{
	struct stat found;

	(void)state;
	if (geteuid() != 0)
		skip();
	start_recorder();
	assert_int_equal(stat(directory, &found), 0);
	assert_int_not_equal(found.st_uid, 0);
	assert_int_equal(found.st_mode & 07777, 0750);
	assert_int_equal(stat(journal_path, &found), 0);
	assert_int_not_equal(found.st_uid, 0);
	assert_int_equal(found.st_mode & 07777, 0640);
}

static void a_start_appends(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		start_recorder();
		say(0, MESSAGE_JOURNAL, "{}\n");
		stop_recorder(SIGTERM);
	}
	assert_string_equal(content(journal_path), "{}\n{}\n");
}

static void a_full_file_is_rotated_and_the_oldest_goes(void **state)
{
	char line[] = "{\"n\":0,\"padding\":\"0123456789\"}\n";

	(void)state;
	settings.rotate = 2 * strlen(line);
	settings.keep = 2;
	start_recorder();
	for (char n = '0'; n < '9'; n++) {
		line[5] = n;
		say(0, MESSAGE_JOURNAL, line);
	}
	stop_recorder(SIGTERM);
	assert_non_null(strstr(content(journal_path), "\"n\":8"));
	assert_null(strstr(content(journal_path), "\"n\":7"));
	assert_non_null(strstr(content(rotated(1)), "\"n\":6"));
	assert_non_null(strstr(content(rotated(1)), "\"n\":7"));
	assert_non_null(strstr(content(rotated(2)), "\"n\":4"));
	assert_int_equal(access(rotated(3), F_OK), -1);
}

static void without_keep_a_full_file_begins_anew(void **state)
{
	(void)state;
	settings.rotate = 10;
	start_recorder();
	say(0, MESSAGE_JOURNAL, "{\"n\":1}\n");
	say(0, MESSAGE_JOURNAL, "{\"n\":2}\n");
	stop_recorder(SIGTERM);
	assert_string_equal(content(journal_path), "{\"n\":2}\n");
	assert_int_equal(access(rotated(1), F_OK), -1);
}

static void a_directory_that_cannot_be_written_only_stops_rotation(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(directory, 0755), 0);
	settings.rotate = 10;
	settings.keep = 1;
	start_recorder();
	say(0, MESSAGE_JOURNAL, "{\"n\":1}\n");
	say(0, MESSAGE_JOURNAL, "{\"n\":2}\n");
	say(0, MESSAGE_JOURNAL, "{\"n\":3}\n");
	stop_recorder(SIGTERM);
	assert_string_equal(content(journal_path), "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
}

static void a_file_moved_away_is_made_anew(void **state)
{
	(void)state;
	start_recorder();
	say(0, MESSAGE_JOURNAL, "{\"n\":1}\n");
	assert_true(contains(journal_path, "1"));
	assert_int_equal(rename(journal_path, rotated(9)), 0);
	usleep(1100000);
	say(0, MESSAGE_JOURNAL, "{\"n\":2}\n");
	stop_recorder(SIGTERM);
	assert_string_equal(content(journal_path), "{\"n\":2}\n");
	assert_string_equal(content(rotated(9)), "{\"n\":1}\n");
}

static void a_link_in_the_files_place_is_not_followed(void **state)
{
	char target[160];

	(void)state;
	snprintf(target, sizeof target, "%s/target", base);
	assert_int_equal(mkdir(directory, 0755), 0);
	assert_int_equal(symlink(target, journal_path), 0);
	chmod(base, 0777); /* the account could make the target */
	start_recorder();
	say(0, MESSAGE_JOURNAL, "{}\n");
	stop_recorder(SIGTERM);
	assert_int_equal(access(target, F_OK), -1);
	assert_int_equal(atomic_load(&counters->dropped_records), 1);
}

static void every_line_whole(const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\n");
		json_t *line = json_loadb(text, length, 0, NULL);

		assert_int_equal(text[length], '\n');
		assert_non_null(line);
		json_decref(line);
		text += length + 1;
	}
}

/* The content once it ends with a whole line: of one that the disk has no room for the beginning is there for a moment. */
static const char *whole_content(const char *path)
{
	const char *text;
	size_t length;

	for (int i = 0; i < PATIENCE_MILLISECONDS / 10; i++) {
		text = content(path);
		length = strlen(text);
		if (length && text[length - 1] == '\n')
			break;
		rest();
	}
	return text;
}

static void fill_the_disk(const char *line)
{
	for (int i = 0; i < 200; i++) {
		while (message_send(workers[0], MESSAGE_JOURNAL, 0, line, strlen(line)))
			rest();
	}
}

/* F17 of the fault list: nobody waits, the loss is counted, said and noted in the journal. */
static void a_full_disk_loses_lines_and_says_how_many(void **state)
{
	static char line[1201];

	(void)state;
	if (geteuid() != 0 || unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || mkdir(directory, 0755) ||
	    mount("tmpfs", directory, "tmpfs", 0, "size=128k,mode=0777"))
		skip();
	snprintf(line, sizeof line, "{\"n\":\"%*d\"}\n", 1180, 0);
	settings.rotate = 1 << 30;
	settings.keep = 1;
	start_recorder();
	fill_the_disk(line);
	while (atomic_load(&counters->dropped_records) == 0)
		rest();
	assert_int_equal(rename(journal_path, rotated(1)), 0);
	every_line_whole(whole_content(rotated(1)));
	assert_int_equal(unlink(rotated(1)), 0);
	usleep(1100000);
	say(0, MESSAGE_JOURNAL, "{\"after\":true}\n");
	assert_true(contains(journal_path, "{\"after\":true}\n"));
	assert_non_null(strstr(content(journal_path), "{\"type\":\"lost\",\"time\":"));
	every_line_whole(whole_content(journal_path));
	stop_recorder(SIGTERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PAIRS(the_file_belongs_to_the_account_alone),
		WITH_PAIRS(a_start_appends),
		WITH_PAIRS(a_full_file_is_rotated_and_the_oldest_goes),
		WITH_PAIRS(without_keep_a_full_file_begins_anew),
		WITH_PAIRS(a_directory_that_cannot_be_written_only_stops_rotation),
		WITH_PAIRS(a_file_moved_away_is_made_anew),
		WITH_PAIRS(a_link_in_the_files_place_is_not_followed),
		WITH_PAIRS(a_full_disk_loses_lines_and_says_how_many),
	};

	signal(SIGPIPE, SIG_IGN);
	alarm(120); /* a test that hangs is a failed test */
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
