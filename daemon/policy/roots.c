#include "daemon/policy/roots.h"

#include <stdlib.h>
#include <string.h>

static const char pem_mark[] = "-----BEGIN CERTIFICATE-----";
static const char list_mark[] = "-----BEGIN X509 CRL-----";

const struct source *find_roots(struct reading *reading, struct value value, const char *name)
{
	const struct source *source = sources_find(reading->policy->sources, name);
	bool system = strcmp(name, "system") == 0;

	if (!source) {
		reading_missing(reading, value, system ? "the system's bundle of roots" : name);
	} else if (!source->bytes) {
		reading_error(reading, value, "%s cannot be read: %s%s",
			      system ? "the system's bundle of roots" : name,
			      strerror(source->error),
			      system ? " (install the package ca-certificates)" : "");
	} else if (!strstr(source->bytes, pem_mark) && !strstr(source->bytes, list_mark)) {
		reading_error(reading, value,
			      "%s holds neither a certificate nor a revocation list in PEM form "
			      "(%s, %s)",
			      name, pem_mark, list_mark);
	} else {
		return source;
	}
	return NULL;
}

const char *find_identity(struct reading *reading, const struct keyword *keyword,
			  struct value value)
{
	char name[SOURCE_NAME_SIZE];
	const struct source *source;

	if (!source_name(name, value_place(value).file, value_text(value))) {
		keyword_mismatch(reading, keyword, value);
		return NULL;
	}
	source = find_roots(reading, value, name);
	if (!source)
		return NULL;
	if (strstr(source->bytes, pem_mark) && strstr(source->bytes, "PRIVATE KEY-----"))
		return source->bytes;
	reading_error(reading, value,
		      "%s must hold a certificate and its key without a password, both in PEM form",
		      name);
	return NULL;
}

void read_trust(struct reading *reading, const struct keyword *keyword, struct value value,
		void *target)
{
	char name[SOURCE_NAME_SIZE];
	struct trusted *grown;
	const char *path = value_text(value);

	(void)target;
	reading->trust_given = true;
	if (strcmp(path, "system") == 0)
		strcpy(name, path);
	else if (!source_name(name, value_place(value).file, path)) {
		keyword_mismatch(reading, keyword, value);
		return;
	}
	grown = reading_grow(reading, reading->trusted, &reading->trusted_count, sizeof(*grown));
	if (!grown)
		return;
	reading->trusted = grown;
	grown += reading->trusted_count - 1;
	grown->name = reading_copy(reading, name);
	grown->value = value;
}

/* The system's roots are missing from sources when no rule seemed to need them, and only then. */
static const struct source *find_trusted(struct reading *reading, const struct trusted *trusted)
{
	if (!trusted->name)
		return NULL;
	if (strcmp(trusted->name, "system") == 0 && !reading->policy->speaks_tls)
		return NULL;
	return find_roots(reading, trusted->value, trusted->name);
}

static void append(struct reading *reading, const struct source *source)
{
	struct policy *policy = reading->policy;
	size_t length = policy->trust_pem ? strlen(policy->trust_pem) : 0;
	char *joined;

	if (!policy->trust_pem) {
		policy->trust_pem = source->bytes;
		return;
	}
	joined = malloc(length + source->length + 2);
	if (!joined) {
		reading_exhausted(reading);
		return;
	}
	memcpy(joined, policy->trust_pem, length);
	joined[length] = '\n';
	memcpy(joined + length + 1, source->bytes, source->length + 1);
	free(policy->trust_joined);
	policy->trust_joined = joined;
	policy->trust_pem = joined;
}

void roots_join(struct reading *reading, struct value top)
{
	struct policy *policy = reading->policy;
	struct trusted fallback = { .name = (char[]){ "system" }, .value = top };

	for (size_t i = 0; i < reading->trusted_count; i++) {
		const struct source *source = find_trusted(reading, &reading->trusted[i]);

		if (source && policy->speaks_tls)
			append(reading, source);
	}
	if (!reading->trust_given && policy->speaks_tls) {
		const struct source *source = find_trusted(reading, &fallback);

		if (source)
			append(reading, source);
	}
}
