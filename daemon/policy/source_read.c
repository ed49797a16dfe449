/* Reading everything a policy names. It looks at the YAML only for the places where a file can
 * stand and says nothing about mistakes: config_parse() will, with line and column. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/policy/document.h"
#include "daemon/policy/source_store.h"
#include "daemon/text.h"

enum { PATH_WORDS = 9, INCLUDES_DEEP = 8 };

static const char system_roots[] = "/etc/ssl/certs/ca-certificates.crt";

/* Where a file is named; "*" stands for every item or value. */
static const struct naming {
	enum source_kind kind;
	const char *path[PATH_WORDS];
} namings[] = {
	{ SOURCE_ROOTS, { "trust" } },
	{ SOURCE_ROOTS, { "upstreams", "*", "tls", "verify", "ca" } },
	{ SOURCE_ROOTS, { "rules", "*", "do", "route", "tls", "verify", "ca" } },
	{ SOURCE_ROOTS, { "rules", "*", "client-certificate", "file" } },
	{ SOURCE_BODY, { "rules", "*", "do", "respond", "body" } },
	{ SOURCE_LEASES, { "leases" } },
	{ SOURCE_POLICY, { "include" } },
};

/* Where a rule shows that the gateway may speak TLS itself, and so needs the system's roots. More
 * than the exact answer (policy.opens_tls), never less. */
static const struct naming tls_signs[] = {
	{ SOURCE_ROOTS, { "rules", "*", "do", "inspect" } },
	{ SOURCE_ROOTS, { "rules", "*", "when", "method" } },
	{ SOURCE_ROOTS, { "rules", "*", "when", "path" } },
	{ SOURCE_ROOTS, { "rules", "*", "when", "query" } },
	{ SOURCE_ROOTS, { "rules", "*", "when", "fronting" } },
	{ SOURCE_ROOTS, { "rules", "*", "when", "header" } },
	{ SOURCE_ROOTS, { "rules", "*", "when", "status" } },
	{ SOURCE_ROOTS, { "rules", "*", "when", "certificate" } },
	{ SOURCE_ROOTS, { "rules", "*", "when", "not" } },
	{ SOURCE_ROOTS, { "rules", "*", "do", "route" } },
	{ SOURCE_ROOTS, { "rules", "*", "do", "redirect" } },
	{ SOURCE_ROOTS, { "rules", "*", "do", "respond" } },
	{ SOURCE_ROOTS, { "upstreams" } },
};

/* One reading of a policy and its includes. */
struct gathering {
	struct sources *sources;
	bool needs_roots;
	bool trusts_system;
	bool trust_given;
	bool exhausted;
	unsigned depth;
};

typedef void visit(struct gathering *gathering, struct value value, enum source_kind kind);

/* Calls found() for every scalar that stands at the path. A scalar may also be the last word of it:
 * `do: inspect`. */
static void walk(struct gathering *gathering, struct value value, const struct naming *naming,
		 const char *const *path, visit *found)
{
	const char *text = value_text(value);

	if (!*path) {
		if (text || naming->kind == SOURCE_ROOTS)
			found(gathering, value, naming->kind);
		for (size_t i = 0; value_kind(value) == VALUE_LIST && i < value_count(value); i++) {
			if (value_text(value_item(value, i)))
				found(gathering, value_item(value, i), naming->kind);
		}
	} else if (text) {
		if (!path[1] && strcmp(text, *path) == 0)
			found(gathering, value, naming->kind);
	} else if (**path == '*') {
		for (size_t i = 0; i < value_count(value); i++)
			walk(gathering, value_item(value, i), naming, path + 1, found);
	} else if (value_find(value, *path).node) {
		walk(gathering, value_find(value, *path), naming, path + 1, found);
	}
}

static size_t limit_of(enum source_kind kind)
{
	return kind == SOURCE_POLICY ? POLICY_SOURCE_MAX : SOURCE_MAX;
}

/* Reads to the end rather than asking for the size, so that /dev/stdin is a file as well. */
static char *read_descriptor(int descriptor, size_t limit, size_t *length)
{
	size_t room = 16384;
	char *bytes = malloc(room + 1);

	*length = 0;
	while (bytes) {
		ssize_t got = read(descriptor, bytes + *length, room - *length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0) {
			bytes[*length] = '\0';
			return bytes;
		}
		*length += got > 0 ? (size_t)got : 0;
		if (*length > limit)
			errno = EFBIG;
		if (got < 0 || *length > limit)
			break;
		if (*length == room) {
			char *grown = realloc(bytes, (room *= 2) + 1);

			if (!grown)
				break;
			bytes = grown;
		}
	}
	free(bytes);
	return NULL;
}

static void fill(struct source *source, const char *path)
{
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (descriptor < 0) {
		source->error = errno;
		return;
	}
	source->bytes = read_descriptor(descriptor, limit_of(source->kind), &source->length);
	if (!source->bytes)
		source->error = errno;
	close(descriptor);
}

static void gather(struct gathering *gathering, const char *name);

static void take(struct gathering *gathering, enum source_kind kind, const char *name,
		 const char *path)
{
	struct source *source;

	if (gathering->exhausted || sources_find(gathering->sources, name))
		return;
	source = sources_append(gathering->sources, kind, name);
	if (!source) {
		/* With too many the policy's parser misses the file, and says so. */
		gathering->exhausted = errno != E2BIG;
		return;
	}
	fill(source, path);
	if (kind == SOURCE_POLICY)
		gather(gathering, name);
}

/* A directory that is not there holds no files; one that cannot be read may hold rules. */
static int stop_glob(const char *path, int error)
{
	(void)path;
	return error != ENOENT;
}

static void take_glob(struct gathering *gathering, const char *pattern)
{
	glob_t files;
	int answer = glob(pattern, 0, stop_glob, &files);
	int error = errno;

	if (answer == GLOB_ABORTED && error != ENOMEM) {
		struct source *source = sources_append(gathering->sources, SOURCE_POLICY, pattern);

		if (source)
			source->error = error ? error : EIO;
	}
	gathering->exhausted |=
		answer == GLOB_NOSPACE || (answer == GLOB_ABORTED && error == ENOMEM);
	for (size_t i = 0; answer == 0 && i < files.gl_pathc; i++)
		take(gathering, SOURCE_POLICY, files.gl_pathv[i], files.gl_pathv[i]);
	globfree(&files);
}

static void take_named(struct gathering *gathering, struct value value, enum source_kind kind)
{
	char name[SOURCE_NAME_SIZE];
	const char *path = value_text(value);

	if (!path || !source_name(name, value_place(value).file, path))
		return;
	if (kind == SOURCE_ROOTS && strcmp(path, "system") == 0)
		gathering->trusts_system = true;
	else if (kind == SOURCE_POLICY && source_is_glob(path))
		take_glob(gathering, name);
	else
		take(gathering, kind, name, name);
}

static void note_sign(struct gathering *gathering, struct value value, enum source_kind kind)
{
	(void)value;
	(void)kind;
	gathering->needs_roots = true;
}

static void gather(struct gathering *gathering, const char *name)
{
	const struct source *source = sources_find(gathering->sources, name);
	struct text problem;
	struct place place;
	char unused[256];
	struct document *document;

	if (!source->bytes || gathering->depth == INCLUDES_DEEP)
		return;
	text_begin(&problem, unused, sizeof(unused));
	document = document_new(source->name, source->bytes, source->length, &place, &problem);
	if (!document) {
		gathering->exhausted |= errno == ENOMEM;
		return;
	}
	gathering->depth++;
	gathering->trust_given |= value_find(document_root(document), "trust").node != NULL;
	for (size_t i = 0; i < sizeof(tls_signs) / sizeof(*tls_signs); i++)
		walk(gathering, document_root(document), &tls_signs[i], tls_signs[i].path,
		     note_sign);
	for (size_t i = 0; i < sizeof(namings) / sizeof(*namings); i++)
		walk(gathering, document_root(document), &namings[i], namings[i].path, take_named);
	gathering->depth--;
	document_free(document);
}

static int copy(struct sources *copies, const struct source *source)
{
	struct source *copied;

	if (source->bytes)
		return sources_add(copies, source->kind, source->name, source->bytes,
				   source->length);
	copied = sources_append(copies, source->kind, source->name);
	if (copied)
		copied->error = source->error;
	return copied ? 0 : -1;
}

static int copy_leases(struct sources *copies, const struct source *source)
{
	struct source fresh = { .kind = SOURCE_LEASES, .name = source->name };
	int result;

	fill(&fresh, source->name);
	result = copy(copies, fresh.bytes ? &fresh : source);
	free((char *)(uintptr_t)fresh.bytes);
	return result;
}

struct sources *sources_renew_leases(const struct sources *sources)
{
	struct sources *copies = calloc(1, sizeof(*copies));
	int result = copies ? 0 : -1;

	for (size_t i = 0; i < sources->count && result == 0; i++) {
		const struct source *source = &sources->sources[i];

		result = source->kind == SOURCE_LEASES ? copy_leases(copies, source)
						       : copy(copies, source);
	}
	if (result == 0)
		return copies;
	sources_free(copies);
	return NULL;
}

struct sources *sources_read(const char *path)
{
	struct gathering gathering = { .sources = calloc(1, sizeof(struct sources)) };

	if (!gathering.sources)
		return NULL;
	take(&gathering, SOURCE_POLICY, path, path);
	if (gathering.needs_roots && (gathering.trusts_system || !gathering.trust_given))
		take(&gathering, SOURCE_ROOTS, "system", system_roots);
	if (!gathering.exhausted)
		return gathering.sources;
	sources_free(gathering.sources);
	return NULL;
}
