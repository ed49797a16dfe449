// link: daemon/supervisor/estate.c daemon/supervisor/elders.c daemon/log.c daemon/clock.c -ljansson
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/supervisor/estate.h"

/* Nobody is told anything here. */
int order_send(int channel, const union order *order, size_t size, const int *descriptors,
	       size_t count)
{
	(void)channel;
	(void)order;
	(void)size;
	(void)descriptors;
	(void)count;
	return 0;
}

static int descriptor(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static bool closes_on_exec(int fd)
{
	return fcntl(fd, F_GETFD) & FD_CLOEXEC;
}

static void fill(struct estate *estate)
{
	struct doors *doors = &estate->doors;

	estate_begin(estate);
	estate->lock = descriptor();
	estate->method = CAPTURE_TPROXY;
	doors->workers = 2;
	doors->count = 2;
	doors->datagram_port = 4242;
	for (unsigned i = 0; i < 2; i++) {
		snprintf(doors->doors[i].name, sizeof(doors->doors[i].name), "lan%u", i);
		doors->doors[i].port = (uint16_t)(1000 + i);
		doors->doors[i].fds[0] = descriptor();
		doors->doors[i].fds[1] = descriptor();
		doors->datagrams[i] = descriptor();
	}
	elders_add(&estate->elders, 77, descriptor(), 123456789012345);
	elders_add(&estate->packet, 78, descriptor(), 0);
	estate->sightings = descriptor();
}

static void what_is_left_is_taken(void **state)
{
	static struct estate left, taken;

	(void)state;
	fill(&left);
	assert_int_equal(estate_leave(&left), 0);
	assert_false(closes_on_exec(left.lock));
	assert_false(closes_on_exec(left.doors.doors[1].fds[1]));
	assert_false(closes_on_exec(left.elders.elder[0].orders));
	assert_true(estate_take(&taken));
	assert_int_equal(taken.lock, left.lock);
	assert_int_equal(taken.asker, -1);
	assert_int_equal(taken.method, CAPTURE_TPROXY);
	assert_int_equal(taken.doors.workers, 2);
	assert_int_equal(taken.doors.count, 2);
	assert_string_equal(taken.doors.doors[1].name, "lan1");
	assert_int_equal(taken.doors.doors[1].port, 1001);
	assert_int_equal(taken.doors.doors[1].fds[1], left.doors.doors[1].fds[1]);
	assert_int_equal(taken.doors.datagram_port, 4242);
	assert_int_equal(taken.doors.datagrams[1], left.doors.datagrams[1]);
	assert_int_equal(taken.elders.count, 1);
	assert_int_equal(taken.elders.elder[0].pid, 77);
	assert_true(taken.elders.elder[0].until == 123456789012345);
	assert_int_equal(taken.packet.elder[0].pid, 78);
	assert_int_equal(taken.sightings, left.sightings);
	assert_true(closes_on_exec(taken.sightings));
	assert_true(closes_on_exec(taken.lock));
	assert_true(closes_on_exec(taken.doors.doors[1].fds[1]));
	assert_true(closes_on_exec(taken.packet.elder[0].orders));
	/* Whoever starts next in this process, or is forked from it, inherits nothing. */
	assert_true(estate_take(&taken));
	assert_int_equal(taken.lock, -1);
}

static void what_is_kept_closes_on_exec(void **state)
{
	static struct estate left, taken;

	(void)state;
	fill(&left);
	assert_int_equal(estate_leave(&left), 0);
	estate_keep(&left);
	assert_true(closes_on_exec(left.lock));
	assert_true(closes_on_exec(left.doors.doors[0].fds[0]));
	assert_true(estate_take(&taken));
	assert_int_equal(taken.lock, -1);
}

static void leave_text(const char *text)
{
	int file = memfd_create("estate", 0);
	char number[16];

	assert_int_equal(write(file, text, strlen(text)), (ssize_t)strlen(text));
	snprintf(number, sizeof(number), "%d", file);
	setenv("HEADGATE_ESTATE", number, 1);
}

/* 1 is open in every test, but nobody's to inherit; 999 is not open. */
static void what_cannot_be_understood_is_not_taken(void **state)
{
	static const char *const texts[] = {
		"", "{", "[]", "{\"version\":1}",
		"{\"version\":2,\"lock\":3,\"asker\":-1,\"transparent\":true,\"workers\":1,\"doors\":[],"
		"\"datagram_port\":0,\"datagrams\":[],\"elders\":[],\"packet\":[]}",
		"{\"version\":1,\"lock\":999,\"asker\":-1,\"transparent\":true,\"workers\":1,\"doors\":[],"
		"\"datagram_port\":0,\"datagrams\":[],\"elders\":[],\"packet\":[]}",
		"{\"version\":1,\"lock\":3,\"asker\":-1,\"transparent\":true,\"workers\":65,\"doors\":[],"
		"\"datagram_port\":0,\"datagrams\":[],\"elders\":[],\"packet\":[]}",
		"{\"version\":1,\"lock\":3,\"asker\":-1,\"transparent\":true,\"workers\":1,"
		"\"doors\":[{\"name\":\"lan0\",\"port\":1,\"listeners\":[1]}],"
		"\"datagram_port\":0,\"datagrams\":[],\"elders\":[],\"packet\":[]}",
		"{\"version\":1,\"lock\":3,\"asker\":-1,\"transparent\":true,\"workers\":1,"
		"\"doors\":[{\"name\":\"a name that is too long for a port\",\"port\":1,\"listeners\":[3]}],"
		"\"datagram_port\":0,\"datagrams\":[],\"elders\":[],\"packet\":[]}",
		"{\"version\":1,\"lock\":3,\"asker\":-1,\"transparent\":true,\"workers\":1,\"doors\":[],"
		"\"datagram_port\":9,\"datagrams\":[],\"elders\":[],\"packet\":[]}",
		"{\"version\":1,\"lock\":3,\"asker\":-1,\"transparent\":true,\"workers\":1,\"doors\":[],"
		"\"datagram_port\":0,\"datagrams\":[],\"elders\":[{\"pid\":-1,\"orders\":3,\"until\":1}],"
		"\"packet\":[]}",
	};
	static struct estate taken;

	(void)state;
	assert_true(dup2(descriptor(), 3) == 3);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		leave_text(texts[i]);
		assert_false(estate_take(&taken));
		assert_int_equal(taken.lock, -1);
		assert_int_equal(taken.doors.count, 0);
		assert_int_equal(taken.elders.count, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_left_is_taken),
		cmocka_unit_test(what_is_kept_closes_on_exec),
		cmocka_unit_test(what_cannot_be_understood_is_not_taken),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
