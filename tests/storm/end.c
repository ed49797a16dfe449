#include "tests/storm/end.h"

#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MILLISECONDS = 50 };

const char *outcome_word(enum outcome outcome)
{
	static const char *const words[] = {
		[NOT_SEEN] = "not seen", [ORDERLY] = "orderly", [CUT] = "cut",
		[AT_FAULT] = "at fault", [STUCK] = "STUCK",	[WRONG] = "WRONG",
		[UNREACHED] = "unreached",
	};

	return words[outcome];
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static const struct pace *pace_of(const struct end *end)
{
	static const struct pace any = { .read_max = 65536, .write_max = 65536 };

	return end->talk->known ? &end->talk->plan.pace[end->talk->who] : &any;
}

/* A server learns late what its socket should have been like. */
static void take_pace(struct end *end)
{
	const struct pace *pace = pace_of(end);

	if (end->paced || !end->talk->known)
		return;
	end->paced = true;
	end->random ^= end->talk->plan.run;
	if (pace->sndbuf)
		setsockopt(end->fd, SOL_SOCKET, SO_SNDBUF, &pace->sndbuf, sizeof(int));
	if (pace->rcvbuf)
		setsockopt(end->fd, SOL_SOCKET, SO_RCVBUF, &pace->rcvbuf, sizeof(int));
}

static void pause_now_and_then(struct end *end)
{
	const struct pace *pace = pace_of(end);

	if (pace->pause_one_in && random_below(&end->random, pace->pause_one_in) == 0)
		usleep(1 + (unsigned)random_below(&end->random, pace->pause_micros));
}

/* The result of a call of OpenSSL as one of the socket: -1 with errno. */
static ssize_t translate(struct end *end, int result)
{
	int saved = errno;

	if (result > 0)
		return result;
	switch (SSL_get_error(end->ssl, result)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SYSCALL:
		errno = saved ? saved : ECONNRESET;
		return -1;
	default:
		errno = EPROTO;
		return -1;
	}
}

static ssize_t receive(struct end *end, size_t size)
{
	if (!end->ssl)
		return recv(end->fd, end->in, size, 0);
	ERR_clear_error();
	errno = 0;
	return translate(end, SSL_read(end->ssl, end->in, (int)size));
}

static ssize_t transmit(struct end *end, size_t size)
{
	const uint8_t *bytes = end->out + end->out_start;

	if (!end->ssl)
		return send(end->fd, bytes, size, MSG_NOSIGNAL);
	ERR_clear_error();
	errno = 0;
	return translate(end, SSL_write(end->ssl, bytes, (int)size));
}

static size_t some(struct end *end, size_t most, size_t all)
{
	size_t size = 1 + random_below(&end->random, most);

	return size < all ? size : all;
}

enum moved { MOVED, WAITS, BROKE };

static void finish_writing(struct end *end)
{
	int result = 1;

	if (end->write_ended)
		return;
	if (end->ssl) {
		ERR_clear_error();
		result = SSL_shutdown(end->ssl);
	}
	end->ending = result < 0 && SSL_get_error(end->ssl, result) == SSL_ERROR_WANT_WRITE;
	if (end->ending)
		return;
	end->unsaid = result < 0;
	end->out_length = 0;
	end->write_ended = true;
	shutdown(end->fd, SHUT_WR);
}

static enum moved write_some(struct end *end)
{
	ssize_t taken;

	if (end->ending)
		finish_writing(end);
	if (end->ending || end->write_ended)
		return WAITS;
	if (!end->out_length) {
		end->out_start = 0;
		end->out_length = talk_say(end->talk, end->out, sizeof(end->out));
	}
	if (!end->out_length && talk_should_end(end->talk))
		finish_writing(end);
	if (!end->out_length)
		return WAITS;
	/* TLS wants the same bytes again. */
	if (!end->trying)
		end->trying = some(end, pace_of(end)->write_max, end->out_length);
	taken = transmit(end, end->trying);
	if (taken <= 0) {
		end->error = errno;
		return taken == 0 || errno != EAGAIN ? BROKE : WAITS;
	}
	end->trying = 0;
	end->out_start += (size_t)taken;
	end->out_length -= (size_t)taken;
	end->carried += (size_t)taken;
	return MOVED;
}

static enum moved read_some(struct end *end)
{
	ssize_t got;

	if (end->read_ended)
		return WAITS;
	got = receive(end, some(end, pace_of(end)->read_max, sizeof(end->in)));
	if (got < 0) {
		end->error = errno;
		return errno != EAGAIN ? BROKE : WAITS;
	}
	/* The kernel tells of an error only once. */
	if (got == 0 && end->severed && !end->ssl)
		return BROKE;
	end->carried += (size_t)got;
	end->read_ended = got == 0;
	if (got == 0)
		talk_hear_end(end->talk);
	else
		talk_hear(end->talk, end->in, (size_t)got);
	return MOVED;
}

static bool is_due(const struct end *end, enum fault fault)
{
	const struct plan *plan = &end->talk->plan;

	return end->talk->known && plan->fault == fault && plan->faulty == end->talk->who &&
	       end->carried >= plan->fault_at;
}

static void reset(struct end *end)
{
	static const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(end->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

/* Something moved in this run, at this end. */
static void note_move(struct end *end)
{
	end->moved_at = now();
	if (end->talk->known && end->run_moved_at)
		atomic_store(end->run_moved_at(end->talk->plan.run), end->moved_at);
}

static bool is_patient(const struct end *end)
{
	double since = end->moved_at;

	if (end->talk->known && end->run_moved_at) {
		double elsewhere = atomic_load(end->run_moved_at(end->talk->plan.run));

		if (elsewhere > since)
			since = elsewhere;
	}
	return now() - since < PATIENCE_SECONDS;
}

static bool wait_for(const struct end *end)
{
	struct pollfd look = { .fd = end->fd };

	if (!end->read_ended)
		look.events |= POLLIN;
	if (end->out_length || end->ending)
		look.events |= POLLOUT;
	poll(&look, 1, LOOK_MILLISECONDS);
	return is_patient(end);
}

/* What was heard last is heard even when writing has failed. */
static enum outcome broken(struct end *end)
{
	end->severed = true;
	while (read_some(end) == MOVED && !end->talk->wrong[0])
		;
	if (end->talk->wrong[0])
		return WRONG;
	return CUT;
}

static enum outcome carry(struct end *end)
{
	while (!(end->read_ended && end->write_ended)) {
		enum moved wrote, got;

		take_pace(end);
		if (is_due(end, RESETS))
			reset(end);
		if (is_due(end, RESETS) || is_due(end, LEAVES))
			return AT_FAULT;
		if (is_due(end, ENDS) && !end->trying)
			finish_writing(end);
		wrote = write_some(end);
		got = wrote == BROKE ? BROKE : read_some(end);
		if (end->talk->wrong[0])
			return WRONG;
		if (got == BROKE || (end->unsaid && got == WAITS))
			return broken(end);
		if (wrote == MOVED || got == MOVED) {
			note_move(end);
			pause_now_and_then(end);
		} else if (!wait_for(end)) {
			return STUCK;
		}
	}
	return ORDERLY;
}

static enum moved handshake(struct end *end)
{
	int result;

	for (;;) {
		errno = 0;
		ERR_clear_error();
		result = SSL_do_handshake(end->ssl);
		if (result == 1)
			return MOVED;
		if (translate(end, result) >= 0 || errno != EAGAIN)
			return BROKE;
		end->error = errno;
		if (!wait_for(end))
			return WAITS;
	}
}

enum outcome end_run(struct end *end, struct talk *talk, int fd, SSL *ssl)
{
	enum outcome outcome;

	end->fd = fd;
	end->ssl = ssl;
	end->talk = talk;
	end->random = (uint64_t)talk->who + 1;
	end->carried = 0;
	end->read_ended = end->write_ended = end->ending = end->unsaid = end->severed =
		end->paced = false;
	end->error = 0;
	note_move(end);
	end->out_length = end->trying = 0;
	switch (ssl ? handshake(end) : MOVED) {
	case MOVED:
		outcome = carry(end);
		break;
	case BROKE:
		outcome = UNREACHED;
		break;
	default:
		outcome = STUCK;
	}
	SSL_free(ssl);
	close(fd);
	return outcome;
}
