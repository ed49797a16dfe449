#include "daemon/policy/source.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "daemon/policy/source_store.h"

const struct source *sources_find(const struct sources *sources, const char *name)
{
	for (size_t i = 0; i < sources->count; i++) {
		if (strcmp(sources->sources[i].name, name) == 0)
			return &sources->sources[i];
	}
	return NULL;
}

bool source_name(char name[static SOURCE_NAME_SIZE], const char *from, const char *path)
{
	const char *slash = strrchr(from, '/');
	size_t directory = slash ? (size_t)(slash - from) + 1 : 0;
	size_t length = strlen(path);

	if (*path == '/')
		directory = 0;
	if (length == 0 || directory + length >= SOURCE_NAME_SIZE)
		return false;
	memcpy(name, from, directory);
	memcpy(name + directory, path, length + 1);
	return true;
}

bool source_fits(const struct source *source, const char *pattern)
{
	if (source_is_glob(pattern))
		return fnmatch(pattern, source->name, FNM_PATHNAME | FNM_PERIOD) == 0;
	return strcmp(pattern, source->name) == 0;
}

bool source_is_glob(const char *path)
{
	return strpbrk(path, "*?[") != NULL;
}

struct source *sources_append(struct sources *sources, enum source_kind kind, const char *name)
{
	struct source *source;
	struct source *grown;

	if (sources->count == SOURCES_MAX) {
		errno = E2BIG;
		return NULL;
	}
	grown = realloc(sources->sources, (sources->count + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	sources->sources = grown;
	source = &grown[sources->count];
	*source = (struct source){ .kind = kind, .name = strdup(name) };
	if (!source->name)
		return NULL;
	sources->count++;
	return source;
}

int sources_add(struct sources *sources, enum source_kind kind, const char *name, const char *bytes,
		size_t length)
{
	struct source *source = sources_append(sources, kind, name);
	char *copy;

	if (!source)
		return -1;
	copy = malloc(length + 1);
	if (!copy) {
		source->error = ENOMEM;
		return -1;
	}
	memcpy(copy, bytes, length);
	copy[length] = '\0';
	source->bytes = copy;
	source->length = length;
	return 0;
}

struct sources *sources_of_text(const char *name, const char *bytes, size_t length)
{
	struct sources *sources = calloc(1, sizeof(*sources));

	if (sources && sources_add(sources, SOURCE_POLICY, name, bytes, length) == 0)
		return sources;
	sources_free(sources);
	return NULL;
}

static bool is_mapped(const struct sources *sources, const char *bytes)
{
	return sources->map && bytes >= (const char *)sources->map &&
	       bytes < (const char *)sources->map + sources->map_length;
}

void sources_free(struct sources *sources)
{
	if (!sources)
		return;
	for (size_t i = 0; i < sources->count; i++) {
		free(sources->sources[i].name);
		if (!is_mapped(sources, sources->sources[i].bytes))
			free((char *)(uintptr_t)sources->sources[i].bytes);
	}
	free(sources->sources);
	if (sources->map)
		munmap(sources->map, sources->map_length);
	free(sources);
}
