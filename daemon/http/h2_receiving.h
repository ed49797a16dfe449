/* What nghttp2 tells of a connection: header blocks, bodies and ends go to their streams, and frames
 * that cost more than they are worth to the leg's budget. */
#pragma once

#include <nghttp2/nghttp2.h>

/* The callbacks of a leg's session, whose context is the leg. The caller deletes them; NULL when out
 * of memory. */
nghttp2_session_callbacks *h2_callbacks(void);
