/* The storage of a session of nghttp2, paid for by its connection's allowance. Two blocks that a session of nghttp2 allocates and keeps: 16 KB to make frames in, and a table of
 * its streams. Here they lie on pages of their own, whose memory goes back to the kernel while nobody
 * speaks. */
#pragma once

#include <nghttp2/nghttp2.h>
#include <stddef.h>

#include "daemon/allowance.h"

struct h2_pages {
	struct allowance *allowance;
	nghttp2_mem memory; /* for nghttp2_session_server_new3() and its sister */
	void *frames;	    /* NULL: not yet allocated */
	void *table;
	size_t frames_size;
	size_t table_size;
};

/* Must stay where it is as long as the session lives. */
void h2_pages_begin(struct h2_pages *pages, struct allowance *allowance);

/* Gives the memory back until it is needed again. Not while a frame is still to be sent
 * (nghttp2_session_want_write()). */
void h2_pages_rest(struct h2_pages *pages);
