// link: daemon/lists/format.c daemon/lists/format_plain.c daemon/lists/format_set.c daemon/lists/format_drop.c daemon/lists/format_dnsmasq.c daemon/lists/format_adblock.c daemon/lists/format_rpz.c daemon/lists/format_csv.c daemon/lists/format_mmdb.c daemon/lists/format_srs.c daemon/lists/format_mrs.c daemon/lists/gather.c daemon/lists/pieces.c daemon/lists/words.c daemon/lists/u_label.c daemon/lists/mmdb.c daemon/lists/succinct.c daemon/lists/decompress.c daemon/address.c daemon/name.c daemon/reader.c tests/fuzz/rereading.c -lz -lzstd -llzma -lidn2
/* Any bytes as a list of lines. The first byte chooses the format, the second the chunks: entries
 * are in order and canonical, and the same in any chunks. */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/rereading.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Long blank lines, so that the list itself lies behind the sample by which it is recognised. */
static void reread_behind_sample(const uint8_t *data, size_t size,
				 const struct format_options *options, size_t chunk)
{
	size_t length = FORMAT_SAMPLE + size;
	uint8_t *bytes = malloc(length);

	if (!bytes)
		return;
	memset(bytes, ' ', FORMAT_SAMPLE);
	for (size_t i = 4095; i < FORMAT_SAMPLE; i += 4096)
		bytes[i] = '\n';
	memcpy(bytes + FORMAT_SAMPLE, data, size);
	reread(bytes, length, options, chunk);
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const words[] = { "auto", "plain", "hosts", "dnsmasq", "adblock",
					     "rpz",  "csv",   "drop",  "ipset",	  "nftables" };
	struct format_options options = { 0 };
	size_t chunk;

	if (size < 2)
		return 0;
	options.format = words[data[0] % (sizeof(words) / sizeof(*words))];
	if (data[0] & 0x80)
		options.column = data[0] & 0x40 ? "2" : "ip";
	chunk = (data[1] & 0x1f) + 1;
	if (data[1] >> 5 == 4) /* seldom, because it is slow */
		reread_behind_sample(data + 2, size - 2, &options, chunk * 64);
	else
		reread(data + 2, size - 2, &options, chunk);
	return 0;
}
