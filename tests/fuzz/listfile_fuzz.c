// link: daemon/policy/list.c daemon/policy/list_file.c daemon/lists/names.c daemon/address.c daemon/name.c daemon/text.c
/* Any bytes as a list file: entries are in order and canonical, and whatever is in the file is
 * found in the list made of it. */
#include <stdlib.h>
#include <string.h>

#include "daemon/policy/list.h"
#include "daemon/policy/list_file.h"
#include "daemon/policy/source.h"
#include "daemon/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

struct finding {
	const struct list *list;
	unsigned line;
};

static bool find(void *context, const struct list_entry *entry)
{
	struct finding *finding = context;

	require(entry->line >= finding->line && entry->text_length <= 1 << 20);
	finding->line = entry->line;
	if (entry->kind == LIST_ENTRY_PREFIX) {
		require(entry->prefix.length > 0);
		require(prefix_contains(&entry->prefix, &entry->prefix.base));
		require(list_has_address(finding->list, &entry->prefix.base));
	} else if (entry->kind == LIST_ENTRY_NAME && entry->name_kind != NAME_SUBDOMAINS) {
		require(list_has_host(finding->list, entry->name));
	}
	return true;
}

static void explain(const struct list *list)
{
	struct address address;
	char storage[256];
	struct text text;

	text_begin(&text, storage, sizeof(storage));
	list_print_host_entry(list, "www.a.example", &text);
	if (address_parse(&address, "192.0.2.1") == 0)
		list_print_address_entry(list, &address, &text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char name[] = "list.txt";
	struct source source = { .name = name, .bytes = (const char *)data, .length = size };
	struct list *list = calloc(1, sizeof(*list));
	struct list_reading met = { 0 };
	struct finding finding = { .list = list };

	if (!list)
		return 0;
	if (list_read_names(list, &source, &met) == 0) {
		list_finish(list);
		list_file_scan(source.bytes, source.length, find, &finding);
		explain(list);
	}
	list_free(list);
	return 0;
}
