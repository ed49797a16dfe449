#include "daemon/lists/stamp.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { SETTLING_MILLISECONDS = 25 };

static void add_text(struct hash *hash, const char *text)
{
	hash_add(hash, text ? text : "", text ? strlen(text) : 0);
}

uint64_t stamp_finish(struct hash *hash, const struct format_options *options)
{
	uint64_t value;

	add_text(hash, options->format);
	add_text(hash, options->column);
	add_text(hash, options->code);
	value = hash_value(hash);
	return value ? value : 1;
}

/* File systems date changes by ticks: of 10 ms at most, or of two seconds where they have no
 * fractions. */
static bool is_settled(const struct timespec *changed)
{
	const int64_t tick = changed->tv_nsec ? 10000000 : 2000000000;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (now.tv_sec - changed->tv_sec) * INT64_C(1000000000) + now.tv_nsec -
		       changed->tv_nsec >
	       2 * tick;
}

uint64_t stamp_settled(int descriptor, const struct format_options *options)
{
	const struct timespec pause = { 0, SETTLING_MILLISECONDS * 1000000 };
	uint64_t stamp = stamp_of(descriptor, options);

	if (stamp)
		return stamp;
	nanosleep(&pause, NULL);
	return stamp_of(descriptor, options);
}

uint64_t stamp_of(int descriptor, const struct format_options *options)
{
	static const uint8_t no_seed[HASH_SEED];
	struct stat status;
	struct hash hash;

	if (fstat(descriptor, &status) || !S_ISREG(status.st_mode) || !is_settled(&status.st_ctim))
		return 0;
	hash_begin(&hash, no_seed);
	hash_add(&hash, &status.st_dev, sizeof status.st_dev);
	hash_add(&hash, &status.st_ino, sizeof status.st_ino);
	hash_add(&hash, &status.st_size, sizeof status.st_size);
	hash_add(&hash, &status.st_mtim, sizeof status.st_mtim);
	hash_add(&hash, &status.st_ctim, sizeof status.st_ctim);
	return stamp_finish(&hash, options);
}
