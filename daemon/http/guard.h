/* Stricter than the parser: what llhttp lets through and would make two readers of one message
 * disagree (docs/threats.md, smuggling). Also fills the head's derived facts. Pure. */
#pragma once

#include "daemon/http/message.h"
#include "daemon/reason.h"

/* Judges a parsed request head. HTTP/2: :authority a name and Host, where there is one, the same;
 * Content-Length fits an end of the stream. HTTP/1: exactly one valid Host (HTTP/1.0: at most one), equal to an
 * absolute form's authority; Transfer-Encoding exactly "chunked", only in 1.1, never beside
 * Content-Length; one Content-Length, digits only; no control bytes; target in origin, absolute or
 * asterisk form; CONNECT refused but for a WebSocket's (RFC 8441). head->path holds the target as received and is taken apart. Sets
 * authority, host, port, path, query, body, keep_alive, upgrade, expect_continue. REASON_NONE,
 * REASON_REQUEST_MALFORMED, REASON_METHOD_REFUSED or, for a target beyond TARGET_MAX,
 * REASON_REQUEST_TOO_LARGE; *detail receives static text for people. */
enum reason guard_request(struct head *head, const char **detail);

/* The same for a response to a request of this method. REASON_NONE or REASON_RESPONSE_MALFORMED. */
enum reason guard_response(struct head *head, const char *method, const char **detail);

/* Judges a whole trailer section and removes the fields that may not pass. False when it breaks the
 * rules that hold for a head's fields. */
bool guard_trailers(struct head *trailers);
