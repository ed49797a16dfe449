#include "netfilter/quota_book.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/lists/publication.h"
#include "netfilter/quotas.h"

enum { LINE = 128 };

static void add(struct quota_book *book, const char *device, uint64_t bytes, uint64_t quota)
{
	struct quota_use *uses;

	if (!bytes || book->count == QUOTA_BOOK_MAX || strlen(device) >= QUOTA_BOOK_NAME)
		return;
	uses = realloc(book->uses, (book->count + 1) * sizeof(*uses));
	if (!uses)
		return;
	book->uses = uses;
	uses += book->count++;
	*uses = (struct quota_use){ .bytes = bytes, .quota = quota };
	strcpy(uses->device, device);
}

void quota_book_begin(struct quota_book *book, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[LINE], device[QUOTA_BOOK_NAME];
	uint64_t bytes;

	*book = (struct quota_book){ 0 };
	if (!file)
		return;
	if (fscanf(file, "%" SCNu32 "\n", &book->date) == 1)
		while (fgets(line, sizeof(line), file))
			if (sscanf(line, "%63s %" SCNu64, device, &bytes) == 2)
				add(book, device, bytes, 0);
	fclose(file);
}

void quota_book_end(struct quota_book *book)
{
	free(book->uses);
	*book = (struct quota_book){ 0 };
}

uint64_t quota_book_used(const struct quota_book *book, uint32_t date, const char *device)
{
	for (size_t i = 0; i < book->count && book->date == date; i++)
		if (strcmp(book->uses[i].device, device) == 0)
			return book->uses[i].bytes;
	return 0;
}

static void note(void *context, const char *device, uint64_t used, uint64_t quota)
{
	add(context, device, used, quota);
}

void quota_book_take(struct quota_book *book, uint32_t date)
{
	struct quota_book fresh = { .date = date };

	if (quotas_date() != date || quotas_each(note, &fresh) < 0) {
		quota_book_end(&fresh);
		return;
	}
	quota_book_end(book);
	*book = fresh;
}

static unsigned quarters(uint64_t bytes, uint64_t quota)
{
	return bytes >= quota ? 4 : (unsigned)(bytes / (quota / 4 + 1));
}

enum quota_news quota_book_news(const struct quota_book *book, const struct quota_book *older)
{
	enum quota_news news = QUOTA_LITTLE;

	for (size_t i = 0; i < book->count; i++) {
		const struct quota_use *use = &book->uses[i];
		unsigned now = quarters(use->bytes, use->quota);

		if (now <= quarters(quota_book_used(older, book->date, use->device), use->quota))
			continue;
		if (now == 4)
			return QUOTA_SPENT;
		news = QUOTA_QUARTER;
	}
	return news;
}

static int write_uses(const struct quota_book *book, int descriptor)
{
	if (dprintf(descriptor, "%" PRIu32 "\n", book->date) < 0)
		return -1;
	for (size_t i = 0; i < book->count; i++)
		if (dprintf(descriptor, "%s %" PRIu64 "\n", book->uses[i].device,
			    book->uses[i].bytes) < 0)
			return -1;
	return 0;
}

int quota_book_write(const struct quota_book *book, const char *path)
{
	int descriptor;

	if (!book->count)
		return unlink(path) < 0 && errno != ENOENT ? -1 : 0;
	descriptor = publication_open(path);
	if (descriptor < 0)
		return -1;
	return publication_end(path, descriptor, write_uses(book, descriptor));
}
