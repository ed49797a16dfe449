#include "daemon/trace.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

struct trace {
	struct tap tap;
	struct journal *journal;
	struct trace_waiter waiter;
	struct side *side;
	unsigned captures;
	struct pcapng_flow flow;
	unsigned ours;	/* our end of the flow */
	char *held;	/* the last that was said: secrets that decrypt it may still come; owned */
	size_t held_length;
	unsigned held_from;
	int64_t held_time;
	uint8_t block[PCAPNG_BLOCK_MAX];
};

static void write_segment(struct trace *trace, unsigned from, uint8_t flags, const char *data,
			  size_t length, int64_t time)
{
	const struct pcapng_segment segment = { from, flags, data, length, time };

	journal_trace(trace->journal, TRACE_PCAPNG, trace->block,
		      pcapng_segment(&trace->flow, &segment, trace->block));
}

static void write_data(struct trace *trace, unsigned from, const char *data, size_t length,
		       int64_t time)
{
	while (length > 0) {
		size_t part = MIN(length, PCAPNG_SEGMENT_MAX);

		write_segment(trace, from, TCP_ACK, data, part, time);
		data += part;
		length -= part;
	}
}

static void write_held(struct trace *trace)
{
	write_data(trace, trace->held_from, trace->held, trace->held_length, trace->held_time);
	free(trace->held);
	trace->held = NULL;
	trace->held_length = 0;
}

static void write_opening(struct trace *trace, int64_t time)
{
	write_segment(trace, 0, TCP_SYN, NULL, 0, time);
	write_segment(trace, 1, TCP_SYN | TCP_ACK, NULL, 0, time);
	write_segment(trace, 0, TCP_ACK, NULL, 0, time);
}

/* Wireshark reads from the front: TLS reads a server's first flight before the secrets of its second half
 * are known, and writes a Finished before those of what follows. */
static void hold(struct trace *trace, unsigned from, const void *bytes, size_t length)
{
	int64_t now = clock_now().wall;

	trace->held = malloc(length);
	if (!trace->held) {
		write_data(trace, from, bytes, length, now);
		return;
	}
	memcpy(trace->held, bytes, length);
	trace->held_length = length;
	trace->held_from = from;
	trace->held_time = now;
}

static void wake_side(void *context)
{
	const struct trace *trace = context;

	trace->side->wake(trace->side->context);
}

static bool has_room(struct tap *tap)
{
	struct trace *trace = (struct trace *)tap;

	return !(trace->captures & TRACE_PCAPNG) || !trace->side->watched ||
	       journal_await_traces(trace->journal, &trace->waiter);
}

static void note_bytes(struct tap *tap, bool sent, const void *bytes, size_t length)
{
	struct trace *trace = (struct trace *)tap;

	if (!(trace->captures & TRACE_PCAPNG))
		return;
	write_held(trace);
	hold(trace, sent ? trace->ours : !trace->ours, bytes, length);
}

static void note_keys(struct tap *tap, const char *line)
{
	struct trace *trace = (struct trace *)tap;
	uint8_t block[PCAPNG_SECRETS_MAX];
	size_t length = strlen(line);

	if (trace->captures & TRACE_PCAPNG)
		journal_trace(trace->journal, TRACE_PCAPNG, block, pcapng_secrets(line, block));
	if (!(trace->captures & TRACE_KEYLOG) || length + 1 > sizeof(block))
		return;
	memcpy(block, line, length);
	block[length] = '\n';
	journal_trace(trace->journal, TRACE_KEYLOG, block, length + 1);
}

static void finish(struct tap *tap)
{
	struct trace *trace = (struct trace *)tap;
	int64_t now = clock_now().wall;

	if (trace->captures & TRACE_PCAPNG) {
		write_held(trace);
		write_segment(trace, trace->ours, TCP_FIN | TCP_ACK, NULL, 0, now);
		write_segment(trace, !trace->ours, TCP_FIN | TCP_ACK, NULL, 0, now);
		write_segment(trace, trace->ours, TCP_ACK, NULL, 0, now);
	}
	journal_forget(trace->journal, &trace->waiter);
	free(trace);
}

void trace_follow(struct journal *journal, unsigned captures, struct side *side,
		  enum pcapng_interface interface)
{
	const struct endpoint *endpoint = &side->endpoint;
	unsigned ours = interface == PCAPNG_CLIENTS;
	struct trace *trace;

	captures &= TRACE_KEYLOG | TRACE_PCAPNG;
	if (!captures || side->wire.tap)
		return;
	trace = calloc(1, sizeof(*trace));
	if (!trace)
		return;
	trace->tap = (struct tap){ has_room, note_bytes, note_keys, finish };
	trace->waiter = (struct trace_waiter){ .wake = wake_side, .context = trace };
	trace->side = side;
	trace->journal = journal;
	trace->captures = captures;
	trace->ours = ours;
	trace->flow.ends[ours] = endpoint->local;
	trace->flow.ends[!ours] = endpoint->peer;
	trace->flow.interface = interface;
	RAND_bytes((unsigned char *)trace->flow.said, sizeof(trace->flow.said));
	if (captures & TRACE_PCAPNG)
		write_opening(trace, clock_now().wall);
	side->wire.tap = &trace->tap;
}
