/* The head of an image file: what is in it and who says so. Text lines, an empty one, then the
 * parts in the order of the enum. firmware/bundle writes it. Pure.
 *
 *   headgate-image 1
 *   target arm64
 *   version 0.1.0
 *   kernel 6.1.0-56-cloud-arm64
 *   linux SIZE SHA-256
 *   stage1 SIZE SHA-256
 *   root SIZE SHA-256
 *   signature ED25519, over every byte before this line
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum image_part { IMAGE_LINUX, IMAGE_STAGE1, IMAGE_ROOT, IMAGE_PARTS };

enum { IMAGE_HEAD_MAX = 1024, IMAGE_WORD = 64, IMAGE_DIGEST = 32, IMAGE_SIGNATURE = 64 };

struct image {
	char target[IMAGE_WORD];
	char version[IMAGE_WORD];
	char kernel[IMAGE_WORD];    /* release: `uname -r` of it */
	uint64_t size[IMAGE_PARTS]; /* bytes, at least 1 */
	uint8_t digest[IMAGE_PARTS][IMAGE_DIGEST];
	size_t signed_length; /* of the head's bytes */
	uint8_t signature[IMAGE_SIGNATURE];
};

/* Length of a head with its empty line at the beginning of the bytes; 0 while there is none. */
size_t image_head_length(const char *bytes, size_t length);

/* Reads a head of this length. False when it is anything but the lines above in their order. */
bool image_parse(struct image *image, const char *bytes, size_t length);
