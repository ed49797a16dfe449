/* What a connection speaks. */
#pragma once

/* name, word in policy file and journal */
#define PROTOCOLS(PROTOCOL)                                                                        \
	PROTOCOL(UNKNOWN, "unknown")                                                               \
	PROTOCOL(TLS, "tls")                                                                       \
	PROTOCOL(HTTP, "http")                                                                     \
	PROTOCOL(HTTP2, "http2")                                                                   \
	PROTOCOL(WEBSOCKET, "websocket")                                                           \
	PROTOCOL(QUIC, "quic")                                                                     \
	PROTOCOL(DNS, "dns")                                                                       \
	PROTOCOL(SSH, "ssh")                                                                       \
	PROTOCOL(SMTP, "smtp")                                                                     \
	PROTOCOL(IMAP, "imap")                                                                     \
	PROTOCOL(POP3, "pop3")                                                                     \
	PROTOCOL(FTP, "ftp")                                                                       \
	PROTOCOL(RDP, "rdp")                                                                       \
	PROTOCOL(SOCKS, "socks")                                                                   \
	PROTOCOL(BITTORRENT, "bittorrent")                                                         \
	PROTOCOL(MQTT, "mqtt")                                                                     \
	PROTOCOL(POSTGRESQL, "postgresql")                                                         \
	PROTOCOL(MYSQL, "mysql")

enum protocol {
#define PROTOCOL_ENUM(name, word) PROTOCOL_##name,
	PROTOCOLS(PROTOCOL_ENUM)
#undef PROTOCOL_ENUM
	PROTOCOL_COUNT
};

/* The word of a protocol; static storage. */
const char *protocol_word(enum protocol protocol);
