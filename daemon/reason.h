/* Why a connection or an exchange ended. One line here is one reason: the enum, the counters, the
 * journal's words and the manual's table come from it. The word is stable, the sentence is for
 * people. Kind: fine (nothing went wrong), policy (a rule wanted it), client, server, gateway (whose
 * side failed). */
#pragma once

#define REASONS(REASON)                                                                            \
	REASON(NONE, "none", fine, "still open")                                                   \
	REASON(FINISHED, "finished", fine, "both ends finished")                                   \
	REASON(FORWARDED, "forwarded", fine, "the kernel carries it on by itself")                 \
	REASON(CLIENT_RESET, "client-reset", client, "the client reset the connection")            \
	REASON(SERVER_RESET, "server-reset", server, "the server reset the connection")            \
	REASON(BLOCKED, "blocked", policy, "a rule blocked it")                                    \
	REASON(OVER_TCP, "over-tcp", policy,                                                       \
	       "it was asked to come back over TCP, where it can be read")                         \
	REASON(CUT, "cut", policy, "it was cut by a new rule or by the owner")                     \
	REASON(DRAINED, "drained", gateway, "the gateway stopped")                                 \
	REASON(INTERRUPTED, "interrupted", gateway, "the gateway stopped before it was over")      \
	REASON(LOOP, "loop", gateway, "the destination is the gateway's own listener")             \
	REASON(NO_DESTINATION, "no-destination", gateway, "the original destination is unknown")   \
	REASON(HELLO_TIMEOUT, "hello-timeout", client, "the client's first bytes took too long")   \
	REASON(HELLO_BROKEN, "hello-broken", client, "the client's hello cannot be read")          \
	REASON(HELLO_TOO_LONG, "hello-too-long", client, "the client's hello exceeds the limit")   \
	REASON(CONTRADICTION, "contradiction", client,                                             \
	       "the client's first bytes say two different things")                                \
	REASON(NAME_UNRESOLVED, "name-unresolved", server, "the upstream's name has no address")   \
	REASON(CONNECT_REFUSED, "connect-refused", server, "the server refused the connection")    \
	REASON(CONNECT_TIMEOUT, "connect-timeout", server, "the server did not answer in time")    \
	REASON(CONNECT_UNREACHABLE, "unreachable", server, "there is no way to the server")        \
	REASON(PROXY_REFUSED, "proxy-refused", server, "the upstream proxy will not carry it")     \
	REASON(PROXY_CREDENTIALS, "proxy-credentials", server,                                     \
	       "the upstream proxy does not accept who we say we are")                             \
	REASON(PROXY_TIMEOUT, "proxy-timeout", server,                                             \
	       "the upstream proxy did not answer in time")                                        \
	REASON(PROXY_BROKEN, "proxy-broken", server,                                               \
	       "the upstream proxy's answer cannot be understood")                                 \
	REASON(CONNECT_FAILED, "connect-failed", gateway, "the connection could not be made")      \
	REASON(TLS_SERVER_FAILED, "tls-server-failed", server,                                     \
	       "the TLS handshake with the server failed")                                         \
	REASON(TLS_SERVER_TIMEOUT, "tls-server-timeout", server,                                   \
	       "the TLS handshake with the server took too long")                                  \
	REASON(TLS_CLIENT_FAILED, "tls-client-failed", client,                                     \
	       "the TLS handshake with the client failed")                                         \
	REASON(TLS_CLIENT_TIMEOUT, "tls-client-timeout", client,                                   \
	       "the TLS handshake with the client took too long")                                  \
	REASON(LEAF_REFUSED, "leaf-refused", client,                                               \
	       "the client does not accept the gateway's certificate")                             \
	REASON(ORIGIN_EXPIRED, "origin-expired", server, "the server's certificate has expired")   \
	REASON(ORIGIN_NOT_YET_VALID, "origin-not-yet-valid", server,                               \
	       "the server's certificate is not valid yet")                                        \
	REASON(ORIGIN_SELF_SIGNED, "origin-self-signed", server,                                   \
	       "the server's certificate is self-signed")                                          \
	REASON(ORIGIN_UNTRUSTED, "origin-untrusted", server,                                       \
	       "the server's certificate does not chain to a trusted root")                        \
	REASON(ORIGIN_WRONG_HOST, "origin-wrong-host", server,                                     \
	       "the server's certificate is for another name")                                     \
	REASON(ORIGIN_REVOKED, "origin-revoked", server, "the server's certificate is revoked")    \
	REASON(ORIGIN_UNCHECKED, "origin-unchecked", server,                                       \
	       "nobody says whether the server's certificate is revoked")                          \
	REASON(ORIGIN_WEAK, "origin-weak", server, "the server's key or signature is too weak")    \
	REASON(ORIGIN_INVALID, "origin-invalid", server, "the server's certificate is not valid")  \
	REASON(ORIGIN_WANTS_CERTIFICATE, "origin-wants-certificate", server,                       \
	       "the server asks for a client certificate")                                         \
	REASON(POST_QUANTUM, "post-quantum-loss", policy,                                          \
	       "opening it would take its post-quantum keys away")                                 \
	REASON(NAME_NEVER, "name-never", policy, "the authority may not sign for this name")       \
	REASON(SIGNER_UNAVAILABLE, "signer-unavailable", gateway, "the signer did not answer")     \
	REASON(REQUEST_MALFORMED, "request-malformed", client, "the request breaks HTTP's rules")  \
	REASON(REQUEST_TOO_LARGE, "request-too-large", client, "the request's head is too large")  \
	REASON(REQUEST_TIMEOUT, "request-timeout", client, "the request took too long")            \
	REASON(SLOW_READER, "slow-reader", client, "the client takes its response too slowly")     \
	REASON(METHOD_REFUSED, "method-refused", client, "CONNECT is not carried")                 \
	REASON(RESPONSE_MALFORMED, "response-malformed", server,                                   \
	       "the response breaks HTTP's rules")                                                 \
	REASON(RESPONSE_TOO_LARGE, "response-too-large", server,                                   \
	       "the response's head is too large")                                                 \
	REASON(RESPONSE_TIMEOUT, "response-timeout", server, "the response took too long")         \
	REASON(TRUNCATED, "truncated", server, "the message ended before it was complete")         \
	REASON(CANCELLED, "cancelled", client, "the client no longer wants it")                    \
	REASON(STREAM_RESET, "stream-reset", server, "the server gave this exchange up")           \
	REASON(MISDIRECTED, "misdirected", client,                                                 \
	       "the server has not proved that it is the one asked for")                           \
	REASON(FLOOD, "flood", client, "too many frames that cost more than they bring")           \
	REASON(IDLE, "idle", fine, "nothing was said for too long")                                \
	REASON(TOO_MANY, "too-many", gateway, "the limit on connections is reached")               \
	REASON(DEVICE_CONNECTIONS, "device-connections", client,                                   \
	       "the device has as many connections as it may have")                                \
	REASON(DEVICE_HANDSHAKES, "device-handshakes", client,                                     \
	       "the device has TLS opened faster than it may")                                     \
	REASON(CONNECTION_MEMORY, "connection-memory", client,                                     \
	       "the connection holds as much memory as it may")                                    \
	REASON(NO_MEMORY, "no-memory", gateway, "the gateway is out of memory")                    \
	REASON(NO_DESCRIPTORS, "no-descriptors", gateway, "the gateway is out of descriptors")     \
	REASON(INTERNAL, "internal", gateway, "the gateway made a mistake; please report it")

enum reason {
#define REASON_ENUM(name, word, kind, sentence) REASON_##name,
	REASONS(REASON_ENUM)
#undef REASON_ENUM
	REASON_COUNT
};

/* The stable word of a reason ("origin-expired"); static storage. */
const char *reason_word(enum reason reason);

/* The sentence for people, without a full stop; static storage. */
const char *reason_sentence(enum reason reason);

/* Whose doing it was: "fine", "policy", "client", "server" or "gateway"; static storage. */
const char *reason_kind(enum reason reason);
