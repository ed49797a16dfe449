// link: tests/unit/initials.c daemon/packet/quic.c daemon/packet/quic_packet.c daemon/packet/quic_keys.c daemon/packet/segments.c daemon/tls/hello.c daemon/reader.c daemon/name.c daemon/address.c -lcrypto
#include <stdlib.h>
#include <string.h>

#include "tests/unit/initials.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t packet[4096];

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check_name(enum quic_answer answer, const struct hello *hello)
{
	char name[NAME_SIZE];

	if (answer == QUIC_HELLO && hello->name[0])
		require(name_canonical(hello->name, strlen(hello->name), name));
}

/* The input twice: as a datagram, and as what a datagram says once it is decrypted. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct initial initial = { .version = QUIC_VERSION_1, .id = "fuzz-id!" };
	struct quic_client client;
	struct hello hello;
	size_t length;

	quic_client_begin(&client);
	check_name(quic_client_read(&client, (struct span){ data, size }, &hello), &hello);
	if (size >= 4 && size <= 1900) {
		length = initial_print(&initial, data, size, packet);
		check_name(quic_client_read(&client, (struct span){ packet, length }, &hello),
			   &hello);
	}
	require(client.hello.size <= SEGMENT_BYTES_MAX);
	quic_client_end(&client);
	return 0;
}
