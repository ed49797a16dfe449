// link: daemon/upgrade/image.c
#include <stdlib.h>
#include <string.h>

#include "daemon/upgrade/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	size_t length = image_head_length(bytes, size);
	struct image image;

	require(length <= size);
	if (image_parse(&image, bytes, length ? length : size)) {
		require(image.signed_length < size && length);
		require(strlen(image.target) > 0 && strlen(image.kernel) < IMAGE_WORD);
		for (size_t i = 0; i < IMAGE_PARTS; i++)
			require(image.size[i] > 0);
	}
	return 0;
}
