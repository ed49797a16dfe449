#include "daemon/lists/list_read.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/lists/decompress.h"

enum { READ_SIZE = 65536 };

static int feed_format(void *context, const void *bytes, size_t length)
{
	return format_reader_feed(context, bytes, length);
}

/* 0 at the end of the file, 1 when nothing more is wanted, -1 with errno. */
static int pump(int descriptor, struct decompressor *decompressor, struct list_reading *reading)
{
	uint8_t bytes[READ_SIZE];

	for (;;) {
		ssize_t length = read(descriptor, bytes, sizeof(bytes));

		if (length < 0 && errno == EINTR)
			continue;
		if (length <= 0)
			return (int)length;
		reading->bytes += (uint64_t)length;
		hash_add(&reading->digest, bytes, (size_t)length);
		if (decompressor_feed(decompressor, bytes, (size_t)length) != 0)
			return 1;
	}
}

/* What is wrong with the packing counts more than what is wrong with as much as could be read. */
static enum format_verdict judge(struct format_reader *reader, struct decompressor *decompressor,
				 struct list_reading *reading)
{
	enum format_verdict verdict;
	const char *word = decompressor_word(decompressor);
	const char *error;

	decompressor_finish(decompressor);
	error = decompressor_error(decompressor);
	verdict = format_reader_finish(reader, &reading->report);
	reading->compression = word;
	if (!error || verdict == FORMAT_STOPPED)
		return verdict;
	reading->report.empty = false;
	snprintf(reading->report.refusal, sizeof(reading->report.refusal), "%s%s%s", error,
		 *word ? ", packed with " : "", word);
	return FORMAT_REFUSED;
}

enum format_verdict list_read(int descriptor, const struct format_options *options,
			      uint64_t bytes_max, entry_sink *sink, void *context,
			      struct list_reading *reading)
{
	static const uint8_t no_seed[HASH_SEED];
	struct decompress_limits limits = { bytes_max, LIST_RATIO_MAX };
	struct format_reader *reader;
	struct decompressor *decompressor;
	enum format_verdict verdict = FORMAT_STOPPED;

	*reading = (struct list_reading){ .compression = "", .report.format = "" };
	hash_begin(&reading->digest, no_seed);
	reader = format_reader_new(options, sink, context);
	if (!reader)
		return FORMAT_STOPPED;
	decompressor = decompressor_new(COMPRESSION_RECOGNISE, &limits, feed_format, reader);
	if (!decompressor)
		errno = ENOMEM;
	else if (pump(descriptor, decompressor, reading) >= 0)
		verdict = judge(reader, decompressor, reading);
	decompressor_free(decompressor);
	format_reader_free(reader);
	return verdict;
}

enum format_verdict list_read_span(struct span span, const struct format_options *options,
				   entry_sink *sink, void *context, struct list_reading *reading)
{
	struct decompress_limits limits = { LIST_BYTES_MAX, LIST_RATIO_MAX };
	struct format_reader *reader;
	struct decompressor *decompressor;
	enum format_verdict verdict = FORMAT_STOPPED;

	*reading = (struct list_reading){
		.compression = "", .bytes = span.length, .report.format = ""
	};
	reader = format_reader_new(options, sink, context);
	if (!reader)
		return FORMAT_STOPPED;
	decompressor = decompressor_new(COMPRESSION_RECOGNISE, &limits, feed_format, reader);
	if (!decompressor) {
		errno = ENOMEM;
	} else {
		decompressor_feed(decompressor, span.bytes, span.length);
		verdict = judge(reader, decompressor, reading);
	}
	decompressor_free(decompressor);
	format_reader_free(reader);
	return verdict;
}
