#include "daemon/http/h2_pages.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FRAME_SIZE = 16384 }; /* RFC 9113 section 4.2: the least that everybody takes, and we send */

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* Of all that a session allocates only the buffer for its frames is so large from the beginning; a
 * header block that needs more than one comes later. */
static void *take(size_t size, void *context)
{
	struct h2_pages *pages = context;
	size_t page = page_size();

	if (size <= FRAME_SIZE || pages->block)
		return malloc(size);
	pages->size = (size + page - 1) / page * page;
	pages->block = aligned_alloc(page, pages->size);
	return pages->block;
}

static void give(void *block, void *context)
{
	struct h2_pages *pages = context;

	if (block == pages->block)
		pages->block = NULL;
	free(block);
}

static void *take_zeroed(size_t count, size_t size, void *context)
{
	(void)context;
	return calloc(count, size);
}

static void *resize(void *block, size_t size, void *context)
{
	struct h2_pages *pages = context;

	if (!block)
		return take(size, context);
	/* Wherever it moves, it is no longer ours to rest. */
	if (block == pages->block)
		pages->block = NULL;
	return realloc(block, size);
}

void h2_pages_begin(struct h2_pages *pages)
{
	*pages = (struct h2_pages){
		.memory = {
			.mem_user_data = pages,
			.malloc = take,
			.free = give,
			.calloc = take_zeroed,
			.realloc = resize,
		},
	};
}

void h2_pages_rest(struct h2_pages *pages)
{
	if (pages->block)
		madvise(pages->block, pages->size, MADV_DONTNEED);
}
