#include "daemon/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* Reads of one flow before the other gets its turn, so that a fast sender starves nobody. */
enum { CHUNKS_PER_TURN = 16 };

enum step { STEP_MORE, STEP_WAIT, STEP_ENDED, STEP_FROM_FAILED, STEP_TO_FAILED };

void relay_begin(struct relay *relay, struct side *client, struct side *server,
		 struct pipes *pipes, char *scratch)
{
	memset(relay, 0, sizeof(*relay));
	relay->up = (struct flow){ .from = client, .to = server };
	relay->down = (struct flow){ .from = server, .to = client };
	relay->pipes = pipes;
	relay->scratch = scratch;
}

static const struct flow *reverse(const struct relay *relay, const struct flow *flow)
{
	return flow == &relay->up ? &relay->down : &relay->up;
}

static enum step end_flow(struct relay *relay, struct flow *flow)
{
	flow->ended = true;
	/* Both have ended: the close that follows says it. */
	if (reverse(relay, flow)->ended && !side_pending(flow->from))
		return STEP_ENDED;
	/* A peer that has already gone is told by the next read of its side. */
	if (side_shutdown(flow->to) < 0 && errno != ENOTCONN)
		return STEP_TO_FAILED;
	return STEP_ENDED;
}

static enum step copy(struct relay *relay, struct flow *flow)
{
	ssize_t got = side_read(flow->from, relay->scratch, CHUNK_SIZE);

	if (got == 0)
		return end_flow(relay, flow);
	if (got < 0)
		return errno == EAGAIN ? STEP_WAIT : STEP_FROM_FAILED;
	flow->bulk = got == CHUNK_SIZE;
	if (side_send(flow->to, relay->scratch, (size_t)got) < 0)
		return STEP_TO_FAILED;
	return side_pending(flow->to) ? STEP_WAIT : STEP_MORE;
}

static enum step drain(struct flow *flow)
{
	struct pipe *pipe = flow->pipe;

	while (pipe->held) {
		ssize_t moved = splice(pipe->out, NULL, flow->to->fd, NULL, pipe->held,
				       SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

		if (moved < 0)
			return errno == EAGAIN ? STEP_WAIT : STEP_TO_FAILED;
		pipe->held -= (size_t)moved;
		flow->to->endpoint.sent += (uint64_t)moved;
	}
	return STEP_MORE;
}

/* An idle flow holds no pipe; a bulk one takes the next that rests when it wakes. */
static void give_pipe_back(struct relay *relay, struct flow *flow)
{
	pipes_give(relay->pipes, flow->pipe);
	flow->pipe = NULL;
}

static enum step splice_through(struct relay *relay, struct flow *flow)
{
	ssize_t moved = splice(flow->from->fd, NULL, flow->pipe->in, NULL, PIPE_CAPACITY,
			       SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	enum step step;

	if (moved < 0 && errno == EAGAIN) {
		give_pipe_back(relay, flow);
		return STEP_WAIT;
	}
	if (moved < 0)
		return STEP_FROM_FAILED;
	if (moved == 0) {
		give_pipe_back(relay, flow);
		flow->from->read_ended = true;
		flow->from->endpoint.state &= ~ENDPOINT_CAN_READ;
		return end_flow(relay, flow);
	}
	flow->from->endpoint.received += (uint64_t)moved;
	flow->pipe->held = (size_t)moved;
	flow->bulk = moved >= SPLICE_MIN;
	step = drain(flow);
	if (step == STEP_MORE && !flow->bulk)
		give_pipe_back(relay, flow);
	return step;
}

/* Nothing but the socket: no TLS, and nobody who listens. */
static bool is_bare(const struct side *side)
{
	return !side->tls && !side->carrier && !side->wire.tap;
}

static bool can_splice(struct relay *relay, struct flow *flow)
{
	if (!flow->bulk || !is_bare(flow->from) || !is_bare(flow->to))
		return false;
	if (!flow->pipe)
		flow->pipe = pipes_take(relay->pipes);
	return flow->pipe != NULL;
}

static enum step flow_step(struct relay *relay, struct flow *flow)
{
	if (side_flush(flow->to) < 0)
		return STEP_TO_FAILED;
	if (side_pending(flow->to))
		return STEP_WAIT;
	if (flow->ended)
		return STEP_ENDED;
	if (flow->pipe && flow->pipe->held)
		return drain(flow);
	return can_splice(relay, flow) ? splice_through(relay, flow) : copy(relay, flow);
}

/* A side that is not read now does not tell by a read that its peer has reset it. */
static bool was_reset(struct side *side)
{
	if (!side_is_broken(side))
		return false;
	errno = ECONNRESET;
	return true;
}

static bool is_held_up(const struct flow *flow)
{
	return side_pending(flow->to) || (flow->pipe && flow->pipe->held);
}

static enum step flow_turn(struct relay *relay, struct flow *flow)
{
	enum step step = STEP_MORE;

	for (int chunk = 0; step == STEP_MORE && chunk < CHUNKS_PER_TURN; chunk++)
		step = flow_step(relay, flow);
	if ((step == STEP_ENDED || (step == STEP_WAIT && is_held_up(flow))) &&
	    was_reset(flow->from))
		return STEP_FROM_FAILED;
	return step;
}

enum relay_answer relay_turn(struct relay *relay)
{
	enum step up, down;

	/* First what a server said before it closed on a client that is still sending. */
	down = flow_turn(relay, &relay->down);
	if (down == STEP_FROM_FAILED)
		return RELAY_SERVER_FAILED;
	if (down == STEP_TO_FAILED)
		return RELAY_CLIENT_FAILED;
	up = flow_turn(relay, &relay->up);
	if (up == STEP_FROM_FAILED)
		return RELAY_CLIENT_FAILED;
	if (up == STEP_TO_FAILED)
		return RELAY_SERVER_FAILED;
	if (up == STEP_ENDED && down == STEP_ENDED)
		return RELAY_FINISHED;
	return up == STEP_MORE || down == STEP_MORE ? RELAY_AGAIN : RELAY_WAIT;
}

bool relay_half_closed(const struct relay *relay)
{
	return relay->up.ended != relay->down.ended;
}

void relay_end(struct relay *relay)
{
	pipes_give(relay->pipes, relay->up.pipe);
	pipes_give(relay->pipes, relay->down.pipe);
	relay->up.pipe = NULL;
	relay->down.pipe = NULL;
}
