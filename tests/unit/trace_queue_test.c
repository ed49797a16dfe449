// link: daemon/journal/trace_queue.c daemon/journal/message.c -levent_core
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/journal/message.h"
#include "daemon/journal/trace_queue.h"

enum { CHANNEL_BUFFER = 1 << 20, PIECE = 16384 };

struct scene {
	struct event_base *base;
	struct trace_queue *queue;
	int channel[2];
	unsigned said;	/* pieces that were taken */
	unsigned heard; /* pieces that came out, in their order */
};

static void begin(struct scene *scene)
{
	int size = CHANNEL_BUFFER;

	memset(scene, 0, sizeof(*scene));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, scene->channel), 0);
	setsockopt(scene->channel[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	scene->base = event_base_new();
	scene->queue = trace_queue_new(scene->base, scene->channel[0]);
	assert_non_null(scene->queue);
}

static void end(struct scene *scene)
{
	trace_queue_free(scene->queue);
	event_base_free(scene->base);
	close(scene->channel[0]);
	close(scene->channel[1]);
}

static int say(struct scene *scene)
{
	static char piece[PIECE];
	int result;

	memcpy(piece, &scene->said, sizeof(scene->said));
	result = trace_queue_add(scene->queue, TRACE_PCAPNG, piece, sizeof(piece));
	scene->said += result == 0;
	return result;
}

/* All that has come, which must be the next pieces. */
static void hear(struct scene *scene)
{
	static char text[MESSAGE_TEXT_MAX];
	struct message_header header;
	size_t length;

	while (message_receive(scene->channel[1], &header, text, &length) == MESSAGE_TAKEN) {
		if (header.kind != MESSAGE_TRACE)
			continue;
		assert_int_equal(length, PIECE);
		assert_memory_equal(text, &scene->heard, sizeof(scene->heard));
		scene->heard++;
	}
}

static void hear_all(struct scene *scene)
{
	for (int turn = 0; turn < 1000 && scene->heard < scene->said; turn++) {
		hear(scene);
		event_base_loop(scene->base, EVLOOP_NONBLOCK);
	}
	hear(scene);
	assert_int_equal(scene->heard, scene->said);
}

struct sleeper {
	struct trace_waiter waiter;
	struct scene *scene;
	int woken;
	int order;
};

static int wakings;

static void wake(void *context)
{
	struct sleeper *sleeper = context;

	sleeper->woken++;
	sleeper->order = ++wakings;
}

static struct sleeper sleeper_of(struct scene *scene)
{
	return (struct sleeper){ .scene = scene };
}

static bool sleep_on(struct sleeper *sleeper)
{
	sleeper->waiter.wake = wake;
	sleeper->waiter.context = sleeper;
	return !trace_queue_await(sleeper->scene->queue, &sleeper->waiter);
}

static void fill(struct scene *scene)
{
	struct trace_waiter probe = { .wake = wake };

	while (trace_queue_await(scene->queue, &probe))
		assert_int_equal(say(scene), 0);
	trace_queue_forget(scene->queue, &probe);
}

static void nothing_is_lost_and_all_is_in_order(void **state)
{
	struct scene scene;
	struct sleeper sleeper = sleeper_of(&scene);

	(void)state;
	begin(&scene);
	for (int round = 0; round < 20; round++) {
		fill(&scene);
		assert_true(sleep_on(&sleeper));
		hear_all(&scene);
		assert_int_equal(sleeper.woken, round + 1);
	}
	assert_true(scene.said * PIECE > 20 * TRACE_QUEUE_ROOM);
	end(&scene);
}

static void lines_of_the_journal_find_room(void **state)
{
	struct scene scene;
	char line[1000] = { 0 };

	(void)state;
	begin(&scene);
	fill(&scene);
	for (int i = 0; i < 100; i++)
		assert_int_equal(message_send(scene.channel[0], MESSAGE_JOURNAL, 0, line, sizeof(line)), 0);
	hear_all(&scene);
	end(&scene);
}

static void memory_is_bounded(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	while (say(&scene) == 0)
		assert_true(scene.said * PIECE < CHANNEL_BUFFER + TRACE_QUEUE_MAX);
	assert_true(scene.said * PIECE >= TRACE_QUEUE_MAX);
	hear_all(&scene);
	assert_int_equal(say(&scene), 0);
	end(&scene);
}

static void who_waits_first_is_woken_first(void **state)
{
	struct scene scene;
	struct sleeper sleepers[3];

	(void)state;
	begin(&scene);
	fill(&scene);
	for (int i = 0; i < 3; i++) {
		sleepers[i] = sleeper_of(&scene);
		assert_true(sleep_on(&sleepers[i]));
		assert_true(sleep_on(&sleepers[i])); /* which changes nothing */
	}
	trace_queue_forget(scene.queue, &sleepers[1].waiter);
	hear_all(&scene);
	assert_int_equal(sleepers[0].woken, 1);
	assert_int_equal(sleepers[1].woken, 0);
	assert_int_equal(sleepers[2].woken, 1);
	assert_true(sleepers[0].order < sleepers[2].order);
	assert_false(sleep_on(&sleepers[1]));
	end(&scene);
}

static void a_recorder_that_stands_still_is_given_up(void **state)
{
	struct scene scene;
	struct sleeper sleeper = sleeper_of(&scene);

	(void)state;
	begin(&scene);
	fill(&scene);
	assert_true(sleep_on(&sleeper));
	while (!sleeper.woken) /* TRACE_PATIENCE_MS */
		event_base_loop(scene.base, EVLOOP_ONCE);
	assert_false(sleep_on(&sleeper));
	assert_int_equal(say(&scene), -1);
	hear_all(&scene);
	assert_int_equal(say(&scene), 0);
	fill(&scene);
	assert_true(sleep_on(&sleeper));
	end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost_and_all_is_in_order),
		cmocka_unit_test(lines_of_the_journal_find_room),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(who_waits_first_is_woken_first),
		cmocka_unit_test(a_recorder_that_stands_still_is_given_up),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
