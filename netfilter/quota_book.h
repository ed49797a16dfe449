/* What devices have used of their quotas on one day, for when the kernel forgets: it does when the gateway stops,
 * and when somebody removes its tables. Kept in memory and in a file. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { QUOTA_BOOK_MAX = 4096, QUOTA_BOOK_NAME = 64 };

struct quota_use {
	char device[QUOTA_BOOK_NAME];
	uint64_t bytes;
	uint64_t quota; /* as the kernel has it; 0 in a book that was read */
};

struct quota_book {
	uint32_t date; /* 20261125; 0: of no day */
	size_t count;
	struct quota_use *uses;
};

/* Reads the file. What is not there, or is damaged, leaves the book empty, or with what could be read. */
void quota_book_begin(struct quota_book *book, const char *path);
void quota_book_end(struct quota_book *book);

/* Bytes that the device had used on that day. */
uint64_t quota_book_used(const struct quota_book *book, uint32_t date, const char *device);

/* Notes what the kernel has counted on that day, if it has. */
void quota_book_take(struct quota_book *book, uint32_t date);

enum quota_news {
	QUOTA_LITTLE,
	QUOTA_QUARTER, /* a device has passed another quarter of its quota */
	QUOTA_SPENT,   /* or all of it */
};

/* What a book taken from the kernel tells beyond an older one. */
enum quota_news quota_book_news(const struct quota_book *book, const struct quota_book *older);

/* Writes the file, in one step; removes it where there is nothing to remember. 0, or -1 with errno. */
int quota_book_write(const struct quota_book *book, const char *path);
