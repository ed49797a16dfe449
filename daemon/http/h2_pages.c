#include "daemon/http/h2_pages.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FRAME_SIZE = 16384 }; /* RFC 9113 section 4.2: the least that everybody takes, and we send */

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static void *take_pages(struct h2_pages *pages, size_t size, size_t *taken)
{
	size_t page = page_size();

	*taken = (size + page - 1) / page * page;
	return allowance_aligned(pages->allowance, page, *taken);
}

/* Of all that a session allocates only the buffer for its frames is so large from the beginning; a
 * header block that needs more than one comes later. */
static void *take(size_t size, void *context)
{
	struct h2_pages *pages = context;

	if (size <= FRAME_SIZE || pages->frames)
		return allowance_resize(pages->allowance, NULL, size);
	pages->frames = take_pages(pages, size, &pages->frames_size);
	return pages->frames;
}

static void forget(struct h2_pages *pages, const void *block)
{
	if (block == pages->frames)
		pages->frames = NULL;
	if (block == pages->table)
		pages->table = NULL;
}

static void give(void *block, void *context)
{
	struct h2_pages *pages = context;

	if (block)
		forget(pages, block);
	allowance_free(pages->allowance, block);
}

static void *take_zeroed(size_t count, size_t size, void *context)
{
	struct h2_pages *pages = context;
	size_t page = page_size();

	if (pages->table || count == 1 || !size || page % size || count != page / size)
		return size && count > SIZE_MAX / size
			       ? NULL
			       : allowance_new(pages->allowance, count * size);
	pages->table = take_pages(pages, page, &pages->table_size);
	return pages->table ? memset(pages->table, 0, page) : NULL;
}

static void *resize(void *block, size_t size, void *context)
{
	struct h2_pages *pages = context;

	if (!block)
		return take(size, context);
	forget(pages, block);
	return allowance_resize(pages->allowance, block, size);
}

void h2_pages_begin(struct h2_pages *pages, struct allowance *allowance)
{
	*pages = (struct h2_pages){
		.allowance = allowance,
		.memory = {
			.mem_user_data = pages,
			.malloc = take,
			.free = give,
			.calloc = take_zeroed,
			.realloc = resize,
		},
	};
}

static bool is_zero(const unsigned char *bytes, size_t size)
{
	return !bytes[0] && memcmp(bytes, bytes + 1, size - 1) == 0;
}

/* What is not asked for again comes back as zeros: to the table that means nothing new. */
void h2_pages_rest(struct h2_pages *pages)
{
	if (pages->frames)
		madvise(pages->frames, pages->frames_size, MADV_DONTNEED);
	if (pages->table && is_zero(pages->table, pages->table_size))
		madvise(pages->table, pages->table_size, MADV_DONTNEED);
}
