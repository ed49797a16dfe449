/* What goes over the pair between a worker and the recorder. Every message is one packet: a header,
 * then whole lines of text. The pair outlives both processes, so each side may find messages that
 * were meant for, or sent by, a dead one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/journal/record.h"

enum message_kind {
	/* worker to recorder */
	MESSAGE_JOURNAL = 1, /* lines for the journal */
	MESSAGE_EVENTS,	     /* lines for subscribers */
	MESSAGE_LIVE,	     /* lines that answer number */
	MESSAGE_LIVE_END,    /* number is answered; a last line when some were lost */
	MESSAGE_TRACE,	     /* bytes for the trace of kind number (TRACE_…) */
	MESSAGE_HELLO,	     /* a new worker: asks for WANTED; no text */
	/* recorder to worker */
	MESSAGE_WANTED, /* number 1: somebody reads events; 0: nobody does */
	MESSAGE_LIST,	/* asks for the live connections as number */
};

struct message_header {
	uint32_t kind;
	uint32_t number;
};

enum {
	MESSAGE_TEXT_MAX = RECORD_MAX,
};

/* Sends one message without waiting. 0, or -1 with errno (EAGAIN: the other end is behind). */
int message_send(int channel, enum message_kind kind, uint32_t number, const char *text,
		 size_t length);

enum message_answer {
	MESSAGE_TAKEN,
	MESSAGE_NOTHING, /* nothing is waiting */
	MESSAGE_CLOSED,	 /* the last holder of the other end is gone, or the socket failed */
};

/* Receives one message: its header, and *length bytes of text (no NUL). Malformed ones are
 * skipped. */
enum message_answer message_receive(int channel, struct message_header *header,
				    char text[static MESSAGE_TEXT_MAX], size_t *length);
