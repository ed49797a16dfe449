// link: daemon/lists/decompress.c -lz -lzstd -llzma
/* Any bytes as a packed list: within the bounds, and the same in any chunks. The first byte is the
 * size of the chunks. */
#include <stdbool.h>
#include <stdlib.h>

#include "daemon/lists/decompress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUTPUT_MAX = 4 << 20 };

struct output {
	uint64_t digest;
	uint64_t length;
};

static void require(bool condition)
{
	if (!condition)
		abort();
}

static int take(void *context, const void *bytes, size_t length)
{
	struct output *output = context;
	const uint8_t *next = bytes;

	for (size_t i = 0; i < length; i++)
		output->digest = (output->digest ^ next[i]) * 1099511628211u;
	output->length += length;
	require(output->length <= OUTPUT_MAX);
	return 0;
}

/* True when all went well. */
static bool unpack(const uint8_t *data, size_t size, size_t chunk, struct output *output)
{
	static const struct decompress_limits limits = { OUTPUT_MAX, 100 };
	struct decompressor *decompressor =
		decompressor_new(COMPRESSION_RECOGNISE, &limits, take, output);
	bool well;

	require(decompressor);
	while (size) {
		size_t part = size < chunk ? size : chunk;

		if (decompressor_feed(decompressor, data, part) != 0)
			break;
		data += part;
		size -= part;
	}
	well = decompressor_finish(decompressor) == 0;
	require(well == !decompressor_error(decompressor));
	decompressor_free(decompressor);
	return well;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct output whole = { 0 }, chunked = { 0 };
	bool well;

	if (size < 1)
		return 0;
	well = unpack(data + 1, size - 1, size, &whole);
	if (unpack(data + 1, size - 1, data[0] + 1u, &chunked) && well)
		require(whole.length == chunked.length && whole.digest == chunked.digest);
	return 0;
}
