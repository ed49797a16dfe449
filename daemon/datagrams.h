/* A worker's door for datagrams: receives what rules have workers carry, and knows the flows they belong to. */
#pragma once

#include "daemon/gateway.h"
#include "daemon/packet/packet.h"

struct carriage;
struct datagrams;
struct flow;

/* Flows of datagrams that one worker carries; the one that was silent for longest gives way. */
enum { CARRIED_MAX = 1024 };

/* Takes over the descriptor (datagram_listen()) and receives from now on. Opens raw sockets: call it before the
 * process is confined. NULL when out of memory; the descriptor is then closed. */
struct datagrams *datagrams_open(struct gateway *gateway, int fd);

/* Receives no more, and ends all flows. NULL is fine. */
void datagrams_close(struct datagrams *datagrams);

/* A port of the gateway whose devices are captured; name lives for ever. */
void datagrams_add_port(struct datagrams *datagrams, const char *name, unsigned index);
void datagrams_forget_ports(struct datagrams *datagrams);

/* Ends those that a policy blocks with `cut`, or that an order is about: of an id, of an address, or all. NULL
 * is fine. */
void datagrams_cut_by(struct datagrams *datagrams, const struct policy *policy);
void datagrams_cut(struct datagrams *datagrams, uint64_t id, const struct address *address);
void datagrams_cut_all(struct datagrams *datagrams);

/* Answers with the live ones (journal_live()). NULL is fine. */
void datagrams_list(const struct datagrams *datagrams, uint32_t question);

/* For carriages */

struct gateway *datagrams_gateway(const struct datagrams *datagrams);
struct flows *datagrams_flows(const struct datagrams *datagrams);

/* Links and unlinks a live one. */
void datagrams_add(struct datagrams *datagrams, struct carriage *carriage);
void datagrams_remove(struct datagrams *datagrams, struct carriage *carriage);

/* Sends a client a datagram in an origin's name, or tells it that nobody is at its port. */
void datagrams_answer(struct datagrams *datagrams, const struct flow *flow, struct span bytes);
void datagrams_refuse(struct datagrams *datagrams, const struct flow *flow, size_t length);

/* Room for one datagram, until the next is received. */
enum { DATAGRAM_ROOM = 65536 };
uint8_t *datagrams_room(struct datagrams *datagrams);
