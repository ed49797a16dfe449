#include "daemon/lists/decompress.h"

#include <lzma.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum {
	OUTPUT_SIZE = 65536,
	MAGIC_MAX = 6,
	RATIO_FREE = 1 << 20, /* bytes of output that may have any ratio */
	WINDOW_LOG_MAX = 25,  /* 32 MiB */
};

/* What one call of a library came to. */
enum step {
	STEP_ON,  /* go on while there is input, or output was full */
	STEP_END, /* of one member, frame or stream; another may follow */
	STEP_DAMAGED,
	STEP_TOO_BIG, /* wants more memory than it may */
};

struct codec;

struct decompressor {
	const struct codec *codec; /* NULL until recognised */
	struct decompress_limits limits;
	byte_sink *sink;
	void *context;
	uint64_t taken;
	uint64_t given;
	const char *error;
	bool failed;
	bool ended; /* the last member is whole, and nothing follows it yet */
	uint8_t magic[MAGIC_MAX];
	size_t magic_length;
	union {
		z_stream zlib;
		ZSTD_DStream *zstd;
		lzma_stream xz;
	};
	uint8_t output[OUTPUT_SIZE];
};

/* Bytes that a library reads and writes; both move on. */
struct flow {
	const uint8_t *input;
	size_t input_left;
	uint8_t *output;
	size_t output_left;
};

struct codec {
	const char *word;
	bool (*begin)(struct decompressor *decompressor);
	enum step (*step)(struct decompressor *decompressor, struct flow *flow);
	bool (*begin_next)(struct decompressor *decompressor); /* another member */
	void (*end)(struct decompressor *decompressor);
};

static bool gzip_begin(struct decompressor *decompressor)
{
	return inflateInit2(&decompressor->zlib, 15 + 16) == Z_OK;
}

static bool zlib_begin(struct decompressor *decompressor)
{
	return inflateInit2(&decompressor->zlib, 15) == Z_OK;
}

static enum step zlib_step(struct decompressor *decompressor, struct flow *flow)
{
	z_stream *stream = &decompressor->zlib;
	uInt room = (uInt)flow->output_left;
	uInt offered = flow->input_left > OUTPUT_SIZE ? OUTPUT_SIZE : (uInt)flow->input_left;
	int result;

	stream->next_in = (Bytef *)flow->input;
	stream->avail_in = offered;
	stream->next_out = flow->output;
	stream->avail_out = room;
	result = inflate(stream, Z_NO_FLUSH);
	flow->input += offered - stream->avail_in;
	flow->input_left -= offered - stream->avail_in;
	flow->output_left = stream->avail_out;
	if (result == Z_STREAM_END)
		return STEP_END;
	return result == Z_OK || result == Z_BUF_ERROR ? STEP_ON : STEP_DAMAGED;
}

static bool zlib_begin_next(struct decompressor *decompressor)
{
	return inflateReset(&decompressor->zlib) == Z_OK;
}

static void zlib_end(struct decompressor *decompressor)
{
	inflateEnd(&decompressor->zlib);
}

static bool zstd_begin(struct decompressor *decompressor)
{
	decompressor->zstd = ZSTD_createDStream();
	if (!decompressor->zstd)
		return false;
	ZSTD_initDStream(decompressor->zstd);
	ZSTD_DCtx_setParameter(decompressor->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
	return true;
}

static enum step zstd_step(struct decompressor *decompressor, struct flow *flow)
{
	ZSTD_inBuffer input = { flow->input, flow->input_left, 0 };
	ZSTD_outBuffer output = { flow->output, flow->output_left, 0 };
	size_t result = ZSTD_decompressStream(decompressor->zstd, &output, &input);

	flow->input += input.pos;
	flow->input_left -= input.pos;
	flow->output_left -= output.pos;
	if (ZSTD_isError(result))
		return strstr(ZSTD_getErrorName(result), "emory") ? STEP_TOO_BIG : STEP_DAMAGED;
	return result == 0 ? STEP_END : STEP_ON;
}

static bool zstd_begin_next(struct decompressor *decompressor)
{
	return !ZSTD_isError(ZSTD_initDStream(decompressor->zstd));
}

static void zstd_end(struct decompressor *decompressor)
{
	ZSTD_freeDStream(decompressor->zstd);
}

static bool xz_begin(struct decompressor *decompressor)
{
	decompressor->xz = (lzma_stream)LZMA_STREAM_INIT;
	return lzma_stream_decoder(&decompressor->xz, DECOMPRESS_MEMORY_MAX, 0) == LZMA_OK;
}

static enum step xz_step(struct decompressor *decompressor, struct flow *flow)
{
	lzma_stream *stream = &decompressor->xz;
	lzma_ret result;

	stream->next_in = flow->input;
	stream->avail_in = flow->input_left;
	stream->next_out = flow->output;
	stream->avail_out = flow->output_left;
	result = lzma_code(stream, LZMA_RUN);
	flow->input = stream->next_in;
	flow->input_left = stream->avail_in;
	flow->output_left = stream->avail_out;
	if (result == LZMA_STREAM_END)
		return STEP_END;
	if (result == LZMA_MEMLIMIT_ERROR || result == LZMA_MEM_ERROR)
		return STEP_TOO_BIG;
	return result == LZMA_OK || result == LZMA_BUF_ERROR ? STEP_ON : STEP_DAMAGED;
}

static bool xz_begin_next(struct decompressor *decompressor)
{
	return lzma_stream_decoder(&decompressor->xz, DECOMPRESS_MEMORY_MAX, 0) == LZMA_OK;
}

static void xz_end(struct decompressor *decompressor)
{
	lzma_end(&decompressor->xz);
}

static bool none_begin(struct decompressor *decompressor)
{
	decompressor->ended = true; /* it may end at any byte */
	return true;
}

static void none_end(struct decompressor *decompressor)
{
	(void)decompressor;
}

static const struct codec codecs[] = {
	[COMPRESSION_NONE] = { "", none_begin, NULL, NULL, none_end },
	[COMPRESSION_GZIP] = { "gzip", gzip_begin, zlib_step, zlib_begin_next, zlib_end },
	[COMPRESSION_ZSTD] = { "zstd", zstd_begin, zstd_step, zstd_begin_next, zstd_end },
	[COMPRESSION_XZ] = { "xz", xz_begin, xz_step, xz_begin_next, xz_end },
	[COMPRESSION_ZLIB] = { "zlib", zlib_begin, zlib_step, zlib_begin_next, zlib_end },
};

static int fail(struct decompressor *decompressor, const char *error)
{
	if (!decompressor->failed)
		decompressor->error = error;
	decompressor->failed = true;
	return -1;
}

static int choose(struct decompressor *decompressor, enum compression compression)
{
	decompressor->codec = &codecs[compression];
	if (decompressor->codec->begin(decompressor))
		return 0;
	decompressor->codec = &codecs[COMPRESSION_NONE]; /* which has nothing to end */
	return fail(decompressor, "out of memory");
}

struct decompressor *decompressor_new(enum compression compression,
				      const struct decompress_limits *limits, byte_sink *sink,
				      void *context)
{
	struct decompressor *decompressor = calloc(1, sizeof(*decompressor));

	if (!decompressor)
		return NULL;
	decompressor->limits = *limits;
	decompressor->sink = sink;
	decompressor->context = context;
	if (compression != COMPRESSION_RECOGNISE && choose(decompressor, compression) != 0) {
		decompressor_free(decompressor);
		return NULL;
	}
	return decompressor;
}

void decompressor_free(struct decompressor *decompressor)
{
	if (!decompressor)
		return;
	if (decompressor->codec)
		decompressor->codec->end(decompressor);
	free(decompressor);
}

static int give(struct decompressor *decompressor, const void *bytes, size_t length)
{
	const struct decompress_limits *limits = &decompressor->limits;

	if (!length)
		return 0;
	decompressor->given += length;
	if (decompressor->given > limits->output_max)
		return fail(decompressor, "it is larger than allowed");
	if (decompressor->codec->step && decompressor->given > RATIO_FREE &&
	    decompressor->given / limits->ratio_max > decompressor->taken)
		return fail(decompressor, "it unpacks to suspiciously much");
	if (decompressor->sink(decompressor->context, bytes, length) != 0)
		return fail(decompressor, NULL);
	return 0;
}

/* Tools for tapes pad with zeros; anything else behind the end must be a further member. */
static bool only_zeros(const struct flow *flow)
{
	for (size_t i = 0; i < flow->input_left; i++) {
		if (flow->input[i])
			return false;
	}
	return true;
}

static int unpack(struct decompressor *decompressor, const void *bytes, size_t length)
{
	struct flow flow = { .input = bytes, .input_left = length };
	size_t before;
	enum step step;

	do {
		before = flow.input_left;
		if (decompressor->ended && only_zeros(&flow))
			return 0;
		if (decompressor->ended && !decompressor->codec->begin_next(decompressor))
			return fail(decompressor, "out of memory");
		decompressor->ended = false;
		flow.output = decompressor->output;
		flow.output_left = OUTPUT_SIZE;
		step = decompressor->codec->step(decompressor, &flow);
		decompressor->ended = step == STEP_END;
		if (give(decompressor, decompressor->output, OUTPUT_SIZE - flow.output_left) != 0)
			return -1;
		/* A library that neither reads nor writes would never end. */
		if (step == STEP_DAMAGED ||
		    (step == STEP_ON && before && before == flow.input_left &&
		     flow.output_left == OUTPUT_SIZE))
			return fail(decompressor, "it is damaged");
		if (step == STEP_TOO_BIG)
			return fail(decompressor, "unpacking it takes more memory than allowed");
	} while (flow.input_left || (!decompressor->ended && !flow.output_left));
	return 0;
}

static int pass_on(struct decompressor *decompressor, const void *bytes, size_t length)
{
	decompressor->taken += length;
	if (!decompressor->codec->step)
		return give(decompressor, bytes, length);
	return unpack(decompressor, bytes, length);
}

static enum compression recognise(const uint8_t *magic, size_t length)
{
	static const uint8_t gzip[] = { 0x1f, 0x8b, 8 };
	static const uint8_t zstd[] = { 0x28, 0xb5, 0x2f, 0xfd };
	static const uint8_t xz[] = { 0xfd, '7', 'z', 'X', 'Z', 0 };

	if (length >= sizeof(gzip) && memcmp(magic, gzip, sizeof(gzip)) == 0)
		return COMPRESSION_GZIP;
	if (length >= sizeof(zstd) && memcmp(magic, zstd, sizeof(zstd)) == 0)
		return COMPRESSION_ZSTD;
	if (length >= sizeof(xz) && memcmp(magic, xz, sizeof(xz)) == 0)
		return COMPRESSION_XZ;
	return COMPRESSION_NONE;
}

static int settle(struct decompressor *decompressor)
{
	enum compression found = recognise(decompressor->magic, decompressor->magic_length);

	if (choose(decompressor, found) != 0)
		return -1;
	return pass_on(decompressor, decompressor->magic, decompressor->magic_length);
}

int decompressor_feed(struct decompressor *decompressor, const void *bytes, size_t length)
{
	const uint8_t *next = bytes;

	if (decompressor->failed)
		return -1;
	for (; !decompressor->codec && length; next++, length--) {
		decompressor->magic[decompressor->magic_length++] = *next;
		if (decompressor->magic_length == MAGIC_MAX && settle(decompressor) != 0)
			return -1;
	}
	return length ? pass_on(decompressor, next, length) : 0;
}

int decompressor_finish(struct decompressor *decompressor)
{
	if (decompressor->failed)
		return -1;
	if (!decompressor->codec && settle(decompressor) != 0)
		return -1;
	return decompressor->ended ? 0 : fail(decompressor, "it is cut short");
}

const char *decompressor_error(const struct decompressor *decompressor)
{
	return decompressor->error;
}

const char *decompressor_word(const struct decompressor *decompressor)
{
	return decompressor->codec ? decompressor->codec->word : "";
}
