// link: daemon/policy/source.c daemon/policy/source_read.c daemon/policy/source_pack.c daemon/policy/document.c daemon/text.c -lyaml
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/policy/source.h"

static char folder[64];

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void put(const char *name, const char *text)
{
	FILE *file = fopen(path_of(name), "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/headgate-source-XXXXXX");
	if (!mkdtemp(folder) || mkdir(path_of("rules.d"), 0700) != 0)
		return -1;
	put("headgate.yaml", "headgate: 1\n"
			     "include: [rules.d/*.yaml, nowhere.yaml]\n"
			     "trust: [office.pem]\n"
			     "lists: { drop: { addresses: drop.txt } }\n"
			     "upstreams: { lab: { tls: { verify: { ca: lab.pem } } } }\n"
			     "rules: [{ do: { route: { tls: { verify: { ca: lab2.pem } } } } }]\n");
	put("rules.d/b.yaml", "trust: more.pem\n");
	put("rules.d/a.yaml", "include: [../headgate.yaml, a.yaml]\n");
	put("rules.d/more.pem", "more\n");
	put("office.pem", "office\n");
	put("lab.pem", "lab\n");
	put("lab2.pem", "lab2\n");
	return 0;
}

static int remove_folder(void **state)
{
	static const char *const names[] = { "headgate.yaml", "rules.d/a.yaml",	  "rules.d/b.yaml",
					     "rules.d/more.pem", "office.pem",	  "lab.pem",
					     "lab2.pem" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unlink(path_of(names[i]));
	return rmdir(path_of("rules.d")) || rmdir(folder);
}

static void assert_text(const struct sources *sources, const char *name, const char *text)
{
	const struct source *source = sources_find(sources, path_of(name));

	if (!source)
		fail_msg("%s was not read", name);
	assert_int_equal(source->error, 0);
	assert_string_equal(source->bytes, text);
	assert_int_equal(source->length, strlen(text));
}

static void assert_complete(const struct sources *sources)
{
	const struct source *gone;

	assert_string_equal(sources->sources[0].name, path_of("headgate.yaml"));
	assert_text(sources, "rules.d/more.pem", "more\n");
	assert_text(sources, "office.pem", "office\n");
	assert_text(sources, "lab.pem", "lab\n");
	assert_text(sources, "lab2.pem", "lab2\n");
	/* Lists are no sources: they are compiled. */
	assert_null(sources_find(sources, path_of("drop.txt")));
	gone = sources_find(sources, path_of("nowhere.yaml"));
	assert_non_null(gone);
	assert_null(gone->bytes);
	assert_int_equal(gone->error, ENOENT);
}

static void everything_named_is_read_once(void **state)
{
	struct sources *sources = sources_read(path_of("headgate.yaml"));

	(void)state;
	assert_non_null(sources);
	assert_complete(sources);
	/* rules.d/a.yaml names its neighbours by another path: bounded, and config_parse() objects.
	 */
	assert_null(sources_find(sources, "system"));
	sources_free(sources);
}

static void packing_loses_nothing(void **state)
{
	struct sources *sources = sources_read(path_of("headgate.yaml"));
	int descriptor = sources_pack(sources);
	struct sources *copy;

	(void)state;
	assert_true(descriptor >= 0);
	copy = sources_unpack(descriptor);
	close(descriptor);
	assert_non_null(copy);
	assert_int_equal(copy->count, sources->count);
	assert_complete(copy);
	for (size_t i = 0; i < copy->count; i++)
		assert_int_equal(copy->sources[i].kind, sources->sources[i].kind);
	sources_free(sources);
	sources_free(copy);
}

static void a_foreign_file_is_no_pack(void **state)
{
	int unsealed = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int sealed = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct sources *sources = sources_of_text("a", "b", 1);
	int pack = sources_pack(sources);
	char bytes[4096];
	ssize_t length = pread(pack, bytes, sizeof(bytes), 0);

	(void)state;
	assert_true(length > 0);
	assert_int_equal(write(unsealed, bytes, (size_t)length), length);
	assert_null(sources_unpack(unsealed));
	/* One byte short: the last text has no end. */
	assert_int_equal(write(sealed, bytes, (size_t)length - 1), length - 1);
	assert_int_equal(fcntl(sealed, F_ADD_SEALS,
			       F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE),
			 0);
	assert_null(sources_unpack(sealed));
	assert_int_equal(errno, EINVAL);
	sources_free(sources);
	close(pack);
	close(sealed);
	close(unsealed);
}

static bool reads_system_roots(const char *rules)
{
	struct sources *sources;
	char text[256];
	bool found;

	snprintf(text, sizeof(text), "headgate: 1\nrules: [%s]\n", rules);
	put("headgate.yaml", text);
	sources = sources_read(path_of("headgate.yaml"));
	found = sources_find(sources, "system") != NULL;
	sources_free(sources);
	return found;
}

static void roots_are_read_only_where_tls_may_be_opened(void **state)
{
	(void)state;
	assert_false(reads_system_roots("{ when: { host: a.example, port: 443 }, do: block }"));
	assert_false(reads_system_roots("{ do: pass }"));
	assert_true(reads_system_roots("{ do: inspect }"));
	assert_true(reads_system_roots("{ when: { path: /x }, do: pass }"));
	assert_true(reads_system_roots("{ when: { certificate: expired }, do: block }"));
	assert_true(reads_system_roots("{ do: { route: { server: a.example, tls: true } } }"));
}

static void names_stand_behind_their_file(void **state)
{
	char name[SOURCE_NAME_SIZE];

	(void)state;
	assert_true(source_name(name, "/etc/headgate/headgate.yaml", "lists/a.txt"));
	assert_string_equal(name, "/etc/headgate/lists/a.txt");
	assert_true(source_name(name, "/etc/headgate/headgate.yaml", "/srv/a.txt"));
	assert_string_equal(name, "/srv/a.txt");
	assert_true(source_name(name, "headgate.yaml", "a.txt"));
	assert_string_equal(name, "a.txt");
	assert_false(source_name(name, "headgate.yaml", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(everything_named_is_read_once, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(packing_loses_nothing, make_folder, remove_folder),
		cmocka_unit_test(a_foreign_file_is_no_pack),
		cmocka_unit_test_setup_teardown(roots_are_read_only_where_tls_may_be_opened,
						make_folder, remove_folder),
		cmocka_unit_test(names_stand_behind_their_file),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
