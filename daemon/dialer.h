/* One connection out of several addresses of the same server: they are tried in turn, each next one as soon as
 * the one before has failed or let 250 ms pass, and the first that answers wins (RFC 8305, happy eyeballs). */
#pragma once

#include <event2/event.h>

#include "daemon/reason.h"
#include "daemon/resolver.h"

enum { DIALER_STAGGER = 250 }; /* milliseconds (RFC 8305 section 8) */

struct dialer;

/* How one socket sets out: returns a connecting, non-blocking socket, or -1 with errno. */
typedef int dialer_dial(void *context, const struct address *address);

/* Begins with the first of the addresses (ports filled in). dial() is called for each in its turn; wake(context)
 * when dialer_turn() has something new to say. NULL when out of memory. */
struct dialer *dialer_new(struct event_base *base, const struct resolved *addresses,
			  dialer_dial *dial,
			  void (*wake)(void *context), void *context);

/* Closes what has not been taken; NULL is fine. */
void dialer_free(struct dialer *dialer);

enum dialing { DIALING, DIALED, DIALING_FAILED };

/* DIALED: *fd is the caller's, connected to *address. FAILED: errno of the first that failed by an answer, else of
 * the last. */
enum dialing dialer_turn(struct dialer *dialer, int *fd, struct address *address);

/* Sorts addresses for dialling: the families take turns (RFC 8305 section 4), beginning with first, each in the
 * order it came. */
void dialer_sort(struct resolved *addresses, sa_family_t first);

/* What an errno of connect() means. */
enum reason dialer_reason(int error);
