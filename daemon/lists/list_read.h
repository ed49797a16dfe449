/* One list file, from a descriptor or in memory, to its entries: unpacks, recognises, parses and
 * judges it. */
#pragma once

#include "daemon/lists/format.h"
#include "daemon/lists/hash.h"
#include "daemon/reader.h"

enum {
	LIST_RATIO_MAX = 100,	   /* unpacked to packed */
	LIST_BYTES_MAX = 64 << 20, /* unpacked, of a list in memory */
};

struct list_reading {
	struct format_report report; /* report.refusal also tells what is wrong with the packing */
	const char *compression;     /* "gzip", "zstd", "xz"; "" for none; static */
	uint64_t bytes;		     /* read, still packed */
	struct hash digest;	     /* of them, where a descriptor was read */
};

/* Reads descriptor, which stays open, to its end. No list may unpack to more than bytes_max bytes.
 * What went to the sink counts only when the verdict is FORMAT_TAKEN. errno tells of
 * FORMAT_STOPPED: of the descriptor, ENOMEM, EINVAL for an unknown format, or ECANCELED when the
 * sink said so. */
enum format_verdict list_read(int descriptor, const struct format_options *options,
			      uint64_t bytes_max, entry_sink *sink, void *context,
			      struct list_reading *reading);

/* The same for bytes in memory, which may unpack to LIST_BYTES_MAX bytes. */
enum format_verdict list_read_span(struct span span, const struct format_options *options,
				   entry_sink *sink, void *context, struct list_reading *reading);
