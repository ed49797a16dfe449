// link: daemon/journal/output.c daemon/journal/syslog_output.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/journal/output.h"

static void the_systems_log_gets_one_datagram_a_line(void **state)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int log = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct output *output;
	char directory[] = "/tmp/syslog_test.XXXXXX";
	char text[64] = "";

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(name.sun_path, sizeof name.sun_path, "%s/socket", directory);
	output = syslog_output(name.sun_path);
	assert_int_equal(output->write(output, "{}\n{}\n", 6), 2);
	assert_int_equal(bind(log, (struct sockaddr *)&name, sizeof name), 0);
	assert_int_equal(output->write(output, "{\"n\":1}\n{\"n\":2}\n", 16), 0);
	assert_true(recv(log, text, sizeof text, MSG_DONTWAIT) > 0);
	assert_string_equal(text, "<30>headgate: {\"n\":1}");
	/* The log is restarted. */
	close(log);
	unlink(name.sun_path);
	log = socket(AF_UNIX, SOCK_DGRAM, 0);
	assert_int_equal(bind(log, (struct sockaddr *)&name, sizeof name), 0);
	assert_int_equal(output->write(output, "{\"n\":3}\n", 8), 0);
	/* And takes nothing any more. */
	for (int i = 0; i < 5000; i++)
		if (output->write(output, "{}\n", 3))
			break;
	assert_int_equal(output->write(output, "{}\n", 3), 1);
	output->free(output);
	close(log);
	unlink(name.sun_path);
	rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_systems_log_gets_one_datagram_a_line),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
