#include "daemon/tls/heap.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

static bool wiping;

static void *take(size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return size ? malloc(size) : NULL;
}

static void give(void *bytes, const char *file, int line)
{
	(void)file, (void)line;
	if (wiping && bytes)
		OPENSSL_cleanse(bytes, malloc_usable_size(bytes));
	free(bytes);
}

/* realloc() may move a block and leave the old one as it is. */
static void *move(void *bytes, size_t size, const char *file, int line)
{
	size_t before = bytes ? malloc_usable_size(bytes) : 0;
	void *moved;

	if (!wiping && size)
		return realloc(bytes, size);
	moved = take(size, file, line);
	if (!moved && size)
		return NULL;
	if (moved && before)
		memcpy(moved, bytes, MIN(before, size));
	give(bytes, file, line);
	return moved;
}

int heap_begin(void)
{
	return CRYPTO_set_mem_functions(take, move, give) == 1 ? 0 : -1;
}

void heap_wipe(void)
{
	wiping = true;
}
