// link: daemon/lists/decompress.c daemon/lists/list_read.c daemon/lists/hash.c daemon/lists/format.c daemon/lists/format_plain.c daemon/lists/format_set.c daemon/lists/format_drop.c daemon/lists/format_dnsmasq.c daemon/lists/format_adblock.c daemon/lists/format_rpz.c daemon/lists/format_csv.c daemon/lists/format_mmdb.c daemon/lists/format_srs.c daemon/lists/format_mrs.c daemon/lists/gather.c daemon/lists/pieces.c daemon/lists/words.c daemon/lists/u_label.c daemon/lists/mmdb.c daemon/lists/succinct.c daemon/address.c daemon/name.c daemon/reader.c -lz -lzstd -llzma -lidn2
/* Packed lists: what comes out of gzip, zstd and xz, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "daemon/lists/decompress.h"
#include "daemon/lists/list_read.h"

struct bytes {
	uint8_t *bytes;
	size_t length;
};

static struct bytes pack_zlib(const void *bytes, size_t length, int window)
{
	struct bytes packed = { malloc(length + 1024), length + 1024 };
	z_stream stream = { .next_in = (Bytef *)bytes,
			    .avail_in = (uInt)length,
			    .next_out = packed.bytes,
			    .avail_out = (uInt)packed.length };

	assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	packed.length = stream.total_out;
	deflateEnd(&stream);
	return packed;
}

static struct bytes pack_gzip(const void *bytes, size_t length)
{
	return pack_zlib(bytes, length, 15 + 16);
}

static struct bytes pack_zstd(const void *bytes, size_t length)
{
	struct bytes packed = { malloc(ZSTD_compressBound(length)), ZSTD_compressBound(length) };

	packed.length = ZSTD_compress(packed.bytes, packed.length, bytes, length, 3);
	assert_false(ZSTD_isError(packed.length));
	return packed;
}

static struct bytes pack_xz(const void *bytes, size_t length, uint32_t preset)
{
	struct bytes packed = { malloc(length + 1024), 0 };

	assert_int_equal(lzma_easy_buffer_encode(preset, LZMA_CHECK_CRC32, NULL, bytes, length,
						 packed.bytes, &packed.length, length + 1024),
			 LZMA_OK);
	return packed;
}

static struct bytes pack_xz6(const void *bytes, size_t length)
{
	return pack_xz(bytes, length, 6);
}

typedef struct bytes packer(const void *bytes, size_t length);

static packer *const packers[] = { pack_gzip, pack_zstd, pack_xz6 };
static const char *const packer_words[] = { "gzip", "zstd", "xz" };

static int append(void *context, const void *bytes, size_t length)
{
	FILE *file = context;

	return fwrite(bytes, 1, length, file) == length ? 0 : -1;
}

/* Unpacks in chunks; the caller frees the output. error is NULL when all went well. */
static struct bytes unpack(struct bytes packed, size_t chunk,
			   const struct decompress_limits *limits, const char **error)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	struct decompressor *decompressor =
		decompressor_new(COMPRESSION_RECOGNISE, limits, append, file);

	for (size_t at = 0; at < packed.length; at += chunk) {
		size_t left = packed.length - at;

		decompressor_feed(decompressor, packed.bytes + at, left < chunk ? left : chunk);
	}
	decompressor_finish(decompressor);
	*error = decompressor_error(decompressor);
	decompressor_free(decompressor);
	fclose(file);
	return (struct bytes){ (uint8_t *)text, size };
}

static const struct decompress_limits wide = { 64 << 20, 100 };

/* Text that packs about as well as a list does. */
static struct bytes make_list(size_t lines)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	for (size_t i = 0; i < lines; i++)
		fprintf(file, "%zu.%zu.%zu.0/24\n", i * 7919 % 223 + 1, i * 104729 % 256, i % 256);
	fclose(file);
	return (struct bytes){ (uint8_t *)text, size };
}

static void assert_unpacks(struct bytes packed, struct bytes list)
{
	static const size_t chunks[] = { 1, 5, 4096, 1 << 30 };

	for (size_t i = 0; i < sizeof(chunks) / sizeof(*chunks); i++) {
		const char *error;
		struct bytes output = unpack(packed, chunks[i], &wide, &error);

		assert_null(error);
		assert_int_equal(output.length, list.length);
		assert_memory_equal(output.bytes, list.bytes, list.length);
		free(output.bytes);
	}
}

static void every_packing_is_undone(void **state)
{
	struct bytes list = make_list(20000);

	(void)state;
	assert_unpacks(list, list);
	for (size_t i = 0; i < 3; i++) {
		struct bytes packed = packers[i](list.bytes, list.length);

		assert_unpacks(packed, list);
		free(packed.bytes);
	}
	free(list.bytes);
}

static void members_follow_each_other(void **state)
{
	struct bytes list = make_list(3000);
	size_t half = list.length / 2;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct bytes first = packers[i](list.bytes, half);
		struct bytes second = packers[i](list.bytes + half, list.length - half);
		struct bytes both = { malloc(first.length + second.length + 8), 0 };

		memcpy(both.bytes, first.bytes, first.length);
		memcpy(both.bytes + first.length, second.bytes, second.length);
		both.length = first.length + second.length;
		assert_unpacks(both, list);
		memset(both.bytes + both.length, 0, 8); /* padding */
		both.length += 8;
		assert_unpacks(both, list);
		free(both.bytes);
		free(second.bytes);
		free(first.bytes);
	}
	free(list.bytes);
}

static void what_is_cut_short_is_told(void **state)
{
	struct bytes list = make_list(3000);

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct bytes packed = packers[i](list.bytes, list.length);

		for (size_t length = 6; length < packed.length; length += packed.length / 50 + 1) {
			struct bytes cut = { packed.bytes, length };
			const char *error;
			struct bytes output = unpack(cut, 64, &wide, &error);

			assert_string_equal(error, "it is cut short");
			free(output.bytes);
		}
		free(packed.bytes);
	}
	free(list.bytes);
}

static void damage_is_told(void **state)
{
	struct bytes list = make_list(3000);

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct bytes packed = packers[i](list.bytes, list.length);
		const char *error;
		struct bytes output;

		packed.bytes[packed.length / 2] ^= 0x55;
		packed.bytes[packed.length / 2 + 1] ^= 0x55;
		output = unpack(packed, 1000, &wide, &error);
		assert_non_null(error);
		free(output.bytes);
		free(packed.bytes);
	}
	free(list.bytes);
}

static void bombs_are_refused(void **state)
{
	size_t length = 48 << 20;
	void *zeros = calloc(1, length);

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct bytes packed = packers[i](zeros, length);
		const char *error;
		struct bytes output = unpack(packed, 1000, &wide, &error);

		assert_string_equal(error, "it unpacks to suspiciously much");
		assert_true(output.length < 8 << 20);
		free(output.bytes);
		free(packed.bytes);
	}
	free(zeros);
}

static void there_is_a_largest_size(void **state)
{
	static const struct decompress_limits narrow = { 10000, 100 };
	struct bytes list = make_list(3000);

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct bytes packed = i < 3 ? packers[i](list.bytes, list.length) : list;
		const char *error;
		struct bytes output = unpack(packed, 1 << 30, &narrow, &error);

		assert_string_equal(error, "it is larger than allowed");
		assert_true(output.length <= 10000);
		free(output.bytes);
		if (i < 3)
			free(packed.bytes);
	}
	free(list.bytes);
}

static void memory_is_bounded(void **state)
{
	struct bytes list = make_list(3000);
	struct bytes packed = pack_xz(list.bytes, list.length, 9);
	const char *error;
	struct bytes output;

	(void)state;
	output = unpack(packed, 1000, &wide, &error);
	assert_string_equal(error, "unpacking it takes more memory than allowed");
	free(output.bytes);
	free(packed.bytes);
	free(list.bytes);
}

static int count_entry(void *context, const struct list_entry *entry)
{
	(void)entry;
	++*(size_t *)context;
	return 0;
}

static int make_file(const void *bytes, size_t length)
{
	int descriptor = memfd_create("list", MFD_CLOEXEC);

	assert_true(descriptor >= 0);
	assert_int_equal(write(descriptor, bytes, length), length);
	lseek(descriptor, 0, SEEK_SET);
	return descriptor;
}

static void files_are_read(void **state)
{
	static const struct format_options options;
	struct bytes list = make_list(3000);
	struct list_reading reading;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct bytes packed = packers[i](list.bytes, list.length);
		size_t entries = 0;
		int descriptor = make_file(packed.bytes, packed.length);

		assert_int_equal(
			list_read(descriptor, &options, 1 << 20, count_entry, &entries, &reading),
			FORMAT_TAKEN);
		assert_int_equal(entries, 3000);
		assert_string_equal(reading.compression, packer_words[i]);
		assert_int_equal(reading.bytes, packed.length);
		close(descriptor);
		descriptor = make_file(packed.bytes, packed.length - 9);
		assert_int_equal(
			list_read(descriptor, &options, 1 << 20, count_entry, &entries, &reading),
			FORMAT_REFUSED);
		assert_non_null(strstr(reading.report.refusal, "cut short, packed with"));
		close(descriptor);
		free(packed.bytes);
	}
	free(list.bytes);
}

static void a_file_that_cannot_be_read_is_told(void **state)
{
	static const struct format_options options;
	struct list_reading reading;
	size_t entries = 0;

	(void)state;
	errno = 0;
	assert_int_equal(list_read(-1, &options, 1 << 20, count_entry, &entries, &reading),
			 FORMAT_STOPPED);
	assert_int_equal(errno, EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_packing_is_undone),
		cmocka_unit_test(members_follow_each_other),
		cmocka_unit_test(what_is_cut_short_is_told),
		cmocka_unit_test(damage_is_told),
		cmocka_unit_test(bombs_are_refused),
		cmocka_unit_test(there_is_a_largest_size),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(files_are_read),
		cmocka_unit_test(a_file_that_cannot_be_read_is_told),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
