/* Runs a fuzz target over files, without a fuzzer: every file and every folder's files named on the
 * command line go through LLVMFuzzerTestOneInput() once, each a line of TAP. A crash is the
 * failure. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PATHS_MAX = 4096 };

static char *paths[PATHS_MAX];
static size_t count;

static void add_path(const char *folder, const char *file)
{
	if (count == PATHS_MAX || asprintf(&paths[count], "%s%s", folder, file) < 0) {
		fprintf(stderr, "too many files\n");
		exit(EXIT_FAILURE);
	}
	count++;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void add_folder(const char *path)
{
	struct dirent **entries;
	int length = scandir(path, &entries, is_visible, alphasort);
	char *folder = NULL;

	if (length < 0 || asprintf(&folder, "%s/", path) < 0) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	for (int i = 0; i < length; i++) {
		add_path(folder, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	free(folder);
}

static void add(const char *path)
{
	struct stat status;

	if (!stat(path, &status) && S_ISDIR(status.st_mode))
		add_folder(path);
	else
		add_path("", path);
}

/* An allocation of the very size, so that a sanitizer sees the first byte read behind it. */
static int run(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct stat status;
	uint8_t *data;
	size_t size;

	if (!file || fstat(fileno(file), &status) || !S_ISREG(status.st_mode)) {
		if (file)
			fclose(file);
		return -1;
	}
	size = (size_t)status.st_size;
	data = malloc(size ? size : 1);
	if (!data || fread(data, 1, size, file) != size)
		size = SIZE_MAX;
	fclose(file);
	if (size != SIZE_MAX)
		LLVMFuzzerTestOneInput(data, size);
	free(data);
	return size == SIZE_MAX ? -1 : 0;
}

int main(int argc, char **argv)
{
	int failures = 0;

	setvbuf(stdout, NULL, _IOLBF, 0); /* a crash must not swallow the lines before it */
	for (int i = 1; i < argc; i++)
		add(argv[i]);
	printf("1..%zu\n", count);
	for (size_t i = 0; i < count; i++) {
		int failed = run(paths[i]);

		printf("%sok %zu - %s\n", failed ? "not " : "", i + 1, paths[i]);
		failures += failed != 0;
		free(paths[i]);
	}
	return failures || !count ? EXIT_FAILURE : EXIT_SUCCESS;
}
