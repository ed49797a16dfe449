#include "daemon/supervisor/larder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/lists/publication.h"

enum { PIECE = 65536, ABOUT_SIZE = ERRAND_URL + ERRAND_TAG + ERRAND_DATE + 4 };

static char *join(const char *directory, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

/* What the server said: three lines, the URL first. Nothing of another URL is of use. */
static void read_about(struct copy *copy, const char *url)
{
	char *path = join(copy->directory, "about");
	FILE *file = path ? fopen(path, "re") : NULL;
	char lines[3][ERRAND_URL + 2];

	free(path);
	for (int i = 0; i < 3; i++) {
		if (!file || !fgets(lines[i], sizeof lines[i], file))
			lines[i][0] = '\0';
		lines[i][strcspn(lines[i], "\n")] = '\0';
	}
	if (file)
		fclose(file);
	if (strcmp(lines[0], url) != 0 || strlen(lines[1]) >= sizeof copy->etag ||
	    strlen(lines[2]) >= sizeof copy->modified)
		return;
	strcpy(copy->etag, lines[1]);
	strcpy(copy->modified, lines[2]);
}

int copy_begin(struct copy *copy, const char *directory, const char *name, const char *url)
{
	struct stat status;

	memset(copy, 0, sizeof *copy);
	if (asprintf(&copy->directory, "%s/fetched/%s", directory, name) < 0)
		copy->directory = NULL;
	copy->list = copy->directory ? join(copy->directory, "list") : NULL;
	if (!copy->list) {
		copy_end(copy);
		return -1;
	}
	if (stat(copy->list, &status) == 0 && S_ISREG(status.st_mode)) {
		copy->dated = status.st_mtime;
		read_about(copy, url);
	}
	return 0;
}

void copy_end(struct copy *copy)
{
	free(copy->directory);
	free(copy->list);
	memset(copy, 0, sizeof *copy);
}

static int make_directory(const char *path)
{
	return mkdir(path, 0755) == 0 || errno == EEXIST ? 0 : -1;
}

int copy_open(const struct copy *copy)
{
	char *parent = strdup(copy->directory);
	int result;

	if (!parent)
		return -1;
	*strrchr(parent, '/') = '\0';
	result = make_directory(parent) || make_directory(copy->directory);
	free(parent);
	return result ? -1 : publication_open(copy->list);
}

static bool same_bytes(int a, int b)
{
	static char left[PIECE], right[PIECE];
	off_t offset = 0;

	for (;;) {
		ssize_t length = pread(a, left, PIECE, offset);

		if (length < 0 || pread(b, right, PIECE, offset) != length ||
		    memcmp(left, right, (size_t)length) != 0)
			return false;
		if (length == 0)
			return true;
		offset += length;
	}
}

/* A server may have no way to say that nothing has changed. */
static bool is_same(const struct copy *copy, int descriptor)
{
	int before = open(copy->list, O_RDONLY | O_CLOEXEC);
	struct stat old, new;
	bool same;

	if (before < 0)
		return false;
	same = fstat(before, &old) == 0 && fstat(descriptor, &new) == 0 &&
	       old.st_size == new.st_size && same_bytes(before, descriptor);
	close(before);
	return same;
}

static void write_about(const struct copy *copy, const char *url)
{
	char *path = join(copy->directory, "about");
	char lines[ABOUT_SIZE];
	int length = snprintf(lines, sizeof lines, "%s\n%s\n%s\n", url, copy->etag, copy->modified);
	int descriptor = path ? publication_open(path) : -1;

	if (descriptor >= 0)
		publication_end(path, descriptor, write(descriptor, lines, (size_t)length) == length ? 0 : -1);
	free(path);
}

static void note(struct copy *copy, const struct errand_report *report)
{
	snprintf(copy->etag, sizeof copy->etag, "%s", report->etag);
	snprintf(copy->modified, sizeof copy->modified, "%s", report->modified);
}

int copy_take(struct copy *copy, const char *url, int descriptor,
	      const struct errand_report *report)
{
	char *last = join(copy->directory, "last");
	int result = -1;

	note(copy, report);
	if (is_same(copy, descriptor)) {
		publication_drop(copy->list);
		free(last);
		return 0;
	}
	if (last && (unlink(last) == 0 || errno == ENOENT) &&
	    (link(copy->list, last) == 0 || errno == ENOENT) &&
	    publication_finish(copy->list, descriptor) == 0) {
		write_about(copy, url);
		copy->dated = time(NULL);
		result = 1;
	}
	free(last);
	return result;
}

void copy_drop(const struct copy *copy)
{
	publication_drop(copy->list);
}

void copy_keep(const struct copy *copy)
{
	char *last = join(copy->directory, "last");

	if (last)
		unlink(last);
	free(last);
}

void copy_forget(struct copy *copy)
{
	copy->etag[0] = copy->modified[0] = '\0';
}

/* What the server said of the refused one stays in memory only: it is not asked for again, and a
 * start begins anew. */
void copy_return(struct copy *copy)
{
	char *last = join(copy->directory, "last");
	char *about = join(copy->directory, "about");

	if (!last || rename(last, copy->list) < 0)
		unlink(copy->list);
	if (about)
		unlink(about);
	free(last);
	free(about);
}
