/* Connections whose first packets visit the packet door, or whose datagrams a worker carries, from the first until the verdict, and a
 * while longer, so that what comes again hears the same. A table with a bound (FLOWS_MAX at the packet door): where it is full,
 * the one that has waited longest gives way. Pure but for its memory. */
#pragma once

#include "daemon/address.h"
#include "daemon/packet/quic.h"
#include "daemon/packet/segments.h"

enum {
	FLOWS_MAX = 8192,
	FLOW_BYTES_MAX = 8 << 20, /* of first bytes that all flows together may hold */
	FLOW_PACKETS_MAX =
		1024, /* of one stream before its verdict: a hello in single bytes fits */
	FLOW_SECONDS = 300, /* at the packet door: what has been silent for so long is forgotten */
};

enum fate {
	FATE_UNDECIDED,
	FATE_PASS,
	FATE_REFUSE, /* with resets, with "port unreachable" */
	FATE_DROP,
	FATE_UNSEEN, /* nobody saw its beginning: as if we were down */
};

enum flow_kind { FLOW_STREAM, FLOW_DATAGRAMS };

struct flow {
	struct address client;
	struct address server;
	enum flow_kind kind;
	enum fate fate;
	int64_t settled; /* steady microseconds: since when the fate is known */
	int64_t used;	 /* likewise: when it was last begun or found */
	bool anchored;	/* of a stream: its first packet was seen, so `first` is where it begins */
	uint32_t first; /* sequence number of the stream's first byte */
	unsigned packets;
	size_t asked; /* of a stream of DNS: bytes of the questions that have been judged */
	uint8_t mac[6];
	bool mac_known;
	const char *port_name; /* of the gateway; the caller's; NULL */
	union {
		struct segments segments;
		struct quic_client quic;
	};
	void *story;	    /* the caller's; see flows_new() */
	struct flow *next;  /* in its bucket */
	struct flow *newer; /* by last use */
	struct flow *older;
};

struct flows;

/* Holds at most so many. forget(context, flow) is called before a flow with a story goes. NULL when out of
 * memory. */
struct flows *flows_new(size_t most, void (*forget)(void *context, struct flow *flow),
			void *context);
void flows_free(struct flows *flows);

/* The flow of these ends; NULL: none is known. It counts as used now. */
struct flow *flows_find(struct flows *flows, enum flow_kind kind, const struct address *client,
			const struct address *server);

/* Begins one anew, in the place of what is known under its ends. NULL when out of memory. */
struct flow *flows_begin(struct flows *flows, enum flow_kind kind, const struct address *client,
			 const struct address *server);

/* Takes a piece of a stream, at an offset behind its first byte. Where all flows together hold too
 * much, the oldest give way. */
enum segments_answer flow_take(struct flows *flows, struct flow *flow, size_t offset,
			       struct span piece);

/* Reads a client's datagram. */
enum quic_answer flow_read(struct flows *flows, struct flow *flow, struct span datagram,
			   struct hello *hello);

/* Forgets all that have not been used since, but those with a story; how many. */
size_t flows_expire(struct flows *flows, int64_t since);

/* It has ended. */
void flows_forget(struct flows *flows, struct flow *flow);

/* Its fate is known: gives back what it has collected. */
void flow_settle(struct flows *flows, struct flow *flow, enum fate fate);

size_t flows_count(const struct flows *flows);
size_t flows_bytes(const struct flows *flows);
