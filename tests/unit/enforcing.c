#include "tests/unit/enforcing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/lists/stamp.h"
#include "daemon/supervisor/collection.h"
#include "daemon/text.h"

static char said[8192];
static struct text output;
static char folder[] = "/tmp/headgate-enforcing-XXXXXX";

const uint8_t packed[PACKED_LENGTH] = {
	0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x53, 0x56, 0x48, 0xe4,
	0x4a, 0xd2, 0x4b, 0xad, 0x48, 0xcc, 0x2d, 0xc8, 0x49, 0xe5, 0x4a, 0x86, 0xb3, 0x00,
	0x1f, 0x67, 0x2c, 0x07, 0x18, 0x00, 0x00, 0x00,
};

const char both[] = "lists: { drop: { addresses: drop.txt }, ads: { names: ads.txt } }";

int enforcing_begin(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	return mkdtemp(folder) && chmod(folder, 0755) == 0 ? chdir(folder) : -1;
}

int enforcing_end(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return chdir("/") || system(command);
}

void put_bytes(const char *name, const void *bytes, size_t length)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	fclose(file);
}

void put(const char *name, const char *text)
{
	put_bytes(name, text, strlen(text));
}

const char *messages(void)
{
	return said;
}

void note(void *context, enum severity severity, const struct place *place,
		 const char *message)
{
	(void)context;
	text_addf(&output, "%s:%u: %s: %s\n", place->file, place->line,
		  severity == SEVERITY_ERROR ? "error" : "warning", message);
}

struct policy *parse(const char *text)
{
	char yaml[2048];

	text_begin(&output, said, sizeof said);
	snprintf(yaml, sizeof yaml, "headgate: 1\nlan: lan0\n%s\n", text);
	return config_parse(sources_of_text("t.yaml", yaml, strlen(yaml)), note, NULL);
}

struct policy *load(const char *text, const char *directory)
{
	const struct collection_settings settings = { .directory = directory,
						      .account = "nobody",
						      .report = note };
	struct policy *policy = parse(text);

	if (!policy)
		fail_msg("%s", said);
	assert_int_equal(collection_load(policy, &settings), 0);
	return policy;
}

bool has_address(const struct policy *policy, const char *text)
{
	struct address address;

	assert_int_equal(address_parse(&address, text), 0);
	address.port = 443;
	return list_has_address(policy->lists[0], &address);
}

bool has_host(const struct policy *policy, const char *host)
{
	return list_has_host(policy->lists[0], host);
}

const char *explained(const struct policy *policy, const char *what)
{
	static char storage[256];
	struct address address;
	struct text text;

	text_begin(&text, storage, sizeof storage);
	if (address_parse(&address, what) == 0)
		list_print_address_entry(policy->lists[0], &address, &text);
	else
		list_print_host_entry(policy->lists[0], what, &text);
	return storage;
}

ino_t inode_of(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? status.st_ino : 0;
}

void let_settle(const char *name)
{
	static const struct format_options options;
	const struct timespec pause = { 0, 2000000 };
	FILE *file = fopen(name, "re");

	assert_non_null(file);
	for (unsigned i = 0; i < 2000 && !stamp_of(fileno(file), &options); i++)
		nanosleep(&pause, NULL);
	fclose(file);
}
