/* Where a session of nghttp2 makes its frames: 16 KB that it allocates at birth and keeps. Here they
 * lie on pages of their own, whose memory goes back to the kernel while nobody speaks. */
#pragma once

#include <nghttp2/nghttp2.h>
#include <stddef.h>

struct h2_pages {
	nghttp2_mem memory; /* for nghttp2_session_server_new3() and its sister */
	void *block;	    /* the session's; NULL: not yet allocated */
	size_t size;
};

/* Must stay where it is as long as the session lives. */
void h2_pages_begin(struct h2_pages *pages);

/* Gives the memory back until the next frame is made. Not while one is still to be sent
 * (nghttp2_session_want_write()). */
void h2_pages_rest(struct h2_pages *pages);
