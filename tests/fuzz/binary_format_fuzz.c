// link: daemon/lists/format.c daemon/lists/format_plain.c daemon/lists/format_set.c daemon/lists/format_drop.c daemon/lists/format_dnsmasq.c daemon/lists/format_adblock.c daemon/lists/format_rpz.c daemon/lists/format_csv.c daemon/lists/format_mmdb.c daemon/lists/format_srs.c daemon/lists/format_mrs.c daemon/lists/gather.c daemon/lists/pieces.c daemon/lists/words.c daemon/lists/u_label.c daemon/lists/mmdb.c daemon/lists/succinct.c daemon/lists/decompress.c daemon/address.c daemon/name.c daemon/reader.c tests/fuzz/rereading.c -lz -lzstd -llzma -lidn2
/* Any bytes as a binary list: a MaxMind DB, a rule set of sing-box (also what is inside of its
 * zlib) or of mihomo. The first byte chooses. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tests/fuzz/rereading.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No fuzzer finds its way through a checksum. */
static void reread_packed(const uint8_t *data, size_t size, const struct format_options *options)
{
	uLongf length = compressBound(size);
	uint8_t *bytes = malloc(length + 4);

	if (!bytes)
		return;
	memcpy(bytes, "SRS\3", 4);
	if (compress2(bytes + 4, &length, data, size, 1) == Z_OK)
		reread(bytes, length + 4, options, 100);
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const words[] = { "mmdb", "srs", "mrs", "auto" };
	struct format_options options = { 0 };

	if (size < 1)
		return 0;
	options.format = words[data[0] & 3];
	options.code = data[0] & 4 ? "AS64496" : "DE";
	if (data[0] & 8)
		reread_packed(data + 1, size - 1, &options);
	else
		reread(data + 1, size - 1, &options, (data[0] >> 4) + 1);
	return 0;
}
