#include "daemon/packet/flow.h"

#include <stdlib.h>

#include "daemon/clock.h"

enum { BUCKETS = 4096 }; /* a power of two */

struct flows {
	size_t most;
	size_t count;
	size_t bytes;
	void (*forget)(void *context, struct flow *flow);
	void *context;
	uint64_t seed; /* so that nobody can fill one bucket on purpose */
	struct flow *newest;
	struct flow *oldest;
	struct flow *buckets[BUCKETS];
};

struct flows *flows_new(size_t most, void (*forget)(void *context, struct flow *flow),
			void *context)
{
	struct flows *flows = calloc(1, sizeof(*flows));

	if (!flows)
		return NULL;
	flows->seed = (uint64_t)(uintptr_t)flows * 0x9e3779b97f4a7c15ULL;
	flows->forget = forget;
	flows->context = context;
	flows->most = most;
	return flows;
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t length)
{
	const uint8_t *byte = bytes;

	for (; length; byte++, length--)
		hash = (hash ^ *byte) * 0x100000001b3ULL;
	return hash ^ hash >> 29;
}

static struct flow **bucket(struct flows *flows, const struct address *client,
			    const struct address *server)
{
	uint64_t hash = mix(flows->seed, &client->port, sizeof(client->port));

	hash = mix(hash, client->bytes, address_width(client));
	hash = mix(hash, server->bytes, address_width(server));
	hash = mix(hash, &server->port, sizeof(server->port));
	return &flows->buckets[(hash ^ hash >> 32) % BUCKETS];
}

static void unlink_flow(struct flows *flows, struct flow *flow)
{
	*(flow->newer ? &flow->newer->older : &flows->newest) = flow->older;
	*(flow->older ? &flow->older->newer : &flows->oldest) = flow->newer;
}

static void link_newest(struct flows *flows, struct flow *flow)
{
	flow->used = clock_steady();
	flow->newer = NULL;
	flow->older = flows->newest;
	*(flows->newest ? &flows->newest->newer : &flows->oldest) = flow;
	flows->newest = flow;
}

static size_t held(const struct flow *flow)
{
	return flow->kind == FLOW_STREAM ? flow->segments.size : flow->quic.hello.size;
}

static void empty(struct flows *flows, struct flow *flow)
{
	flows->bytes -= held(flow);
	if (flow->kind == FLOW_STREAM)
		segments_end(&flow->segments);
	else
		quic_client_end(&flow->quic);
}

void flows_forget(struct flows *flows, struct flow *flow)
{
	struct flow **place = bucket(flows, &flow->client, &flow->server);

	if (flow->story)
		flows->forget(flows->context, flow);
	while (*place != flow)
		place = &(*place)->next;
	*place = flow->next;
	unlink_flow(flows, flow);
	empty(flows, flow);
	free(flow);
	flows->count--;
}

size_t flows_expire(struct flows *flows, int64_t since)
{
	struct flow *flow = flows->oldest;
	size_t count = 0;

	while (flow && flow->used < since) {
		struct flow *newer = flow->newer;

		if (!flow->story) {
			flows_forget(flows, flow);
			count++;
		}
		flow = newer;
	}
	return count;
}

void flows_free(struct flows *flows)
{
	while (flows && flows->oldest)
		flows_forget(flows, flows->oldest);
	free(flows);
}

struct flow *flows_find(struct flows *flows, enum flow_kind kind, const struct address *client,
			const struct address *server)
{
	struct flow *flow = *bucket(flows, client, server);

	while (flow && (flow->kind != kind || !address_equal(&flow->client, client) ||
			!address_equal(&flow->server, server)))
		flow = flow->next;
	if (flow) {
		unlink_flow(flows, flow);
		link_newest(flows, flow);
	}
	return flow;
}

struct flow *flows_begin(struct flows *flows, enum flow_kind kind, const struct address *client,
			 const struct address *server)
{
	struct flow *flow = flows_find(flows, kind, client, server);
	struct flow **place;

	if (flow)
		flows_forget(flows, flow);
	if (flows->count == flows->most)
		flows_forget(flows, flows->oldest);
	flow = calloc(1, sizeof(*flow));
	if (!flow)
		return NULL;
	flow->kind = kind;
	flow->client = *client;
	flow->server = *server;
	place = bucket(flows, client, server);
	flow->next = *place;
	*place = flow;
	link_newest(flows, flow);
	flows->count++;
	return flow;
}

/* The one that has grown is the newest: it is the last to go. */
static void bound(struct flows *flows, const struct flow *grown, size_t before)
{
	flows->bytes += held(grown) - before;
	while (flows->bytes > FLOW_BYTES_MAX && flows->oldest != grown)
		flows_forget(flows, flows->oldest);
}

enum segments_answer flow_take(struct flows *flows, struct flow *flow, size_t offset,
			       struct span piece)
{
	size_t before = held(flow);
	enum segments_answer answer =
		segments_add(&flow->segments, offset, piece.bytes, piece.length);

	bound(flows, flow, before);
	return answer;
}

enum quic_answer flow_read(struct flows *flows, struct flow *flow, struct span datagram,
			   struct hello *hello)
{
	size_t before = held(flow);
	enum quic_answer answer = quic_client_read(&flow->quic, datagram, hello);

	bound(flows, flow, before);
	return answer;
}

void flow_settle(struct flows *flows, struct flow *flow, enum fate fate)
{
	empty(flows, flow);
	flow->fate = fate;
	flow->settled = clock_steady();
}

size_t flows_count(const struct flows *flows)
{
	return flows->count;
}

size_t flows_bytes(const struct flows *flows)
{
	return flows->bytes;
}
