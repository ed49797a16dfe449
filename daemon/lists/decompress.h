/* gzip, zstd and xz, recognised by their first bytes, unpacked as the bytes come, with bounds
 * against bombs. The only place that knows zlib, libzstd and liblzma. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum compression {
	COMPRESSION_RECOGNISE, /* by the first bytes: none, gzip, zstd or xz */
	COMPRESSION_NONE,
	COMPRESSION_GZIP,
	COMPRESSION_ZSTD,
	COMPRESSION_XZ,
	COMPRESSION_ZLIB, /* never recognised: RFC 1950 has no magic */
};

struct decompress_limits {
	uint64_t output_max; /* bytes, also of what is not compressed */
	unsigned ratio_max;  /* output to input, once there is more than 1 MiB of output */
};

/* Memory that unpacking may take, beside a few KiB: the window of what was packed with `xz -8` or
 * `zstd --long=25`. */
enum { DECOMPRESS_MEMORY_MAX = 36 << 20 };

struct decompressor;

/* Takes unpacked bytes, which live during the call. 0, or -1 to stop. */
typedef int byte_sink(void *context, const void *bytes, size_t length);

/* NULL when out of memory. */
struct decompressor *decompressor_new(enum compression compression,
				      const struct decompress_limits *limits, byte_sink *sink,
				      void *context);
void decompressor_free(struct decompressor *decompressor);

/* Takes the next bytes, of any number. 0; -1 when nothing more is wanted, for decompressor_error().
 */
int decompressor_feed(struct decompressor *decompressor, const void *bytes, size_t length);

/* After the last byte. 0, or -1 also when the end is missing. */
int decompressor_finish(struct decompressor *decompressor);

/* Why it failed, static text; NULL when it did not, or only because the sink said so. */
const char *decompressor_error(const struct decompressor *decompressor);

/* As what it was unpacked: "gzip", "zstd", "xz", "zlib"; "" for none, or nothing fed yet. */
const char *decompressor_word(const struct decompressor *decompressor);
