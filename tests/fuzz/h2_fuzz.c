// link: tests/fuzz/h2_stage.c http llhttp -lnghttp2 -levent_core -lssl -lcrypto
/* Frames of a client of HTTP/2, and what a server of either version answers. First byte: odd for a server of HTTP/2; two
 * bytes: how much is the client's; then the client's frames and the server's bytes. */
#include "tests/fuzz/h2_stage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t length;

	if (size < 3)
		return 0;
	length = (size_t)data[1] << 8 | data[2];
	if (length > size - 3)
		length = size - 3;
	h2_play((struct span){ data + 3, length },
		(struct span){ data + 3 + length, size - 3 - length }, data[0] & 1);
	return 0;
}
