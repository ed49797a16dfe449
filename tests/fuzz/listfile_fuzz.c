// link: daemon/policy/list.c daemon/lists/addresses.c daemon/lists/wide.c daemon/lists/list_read.c daemon/lists/format.c daemon/lists/format_plain.c daemon/lists/format_set.c daemon/lists/format_drop.c daemon/lists/format_dnsmasq.c daemon/lists/format_adblock.c daemon/lists/format_rpz.c daemon/lists/format_csv.c daemon/lists/format_mmdb.c daemon/lists/format_srs.c daemon/lists/format_mrs.c daemon/lists/gather.c daemon/lists/pieces.c daemon/lists/words.c daemon/lists/u_label.c daemon/lists/mmdb.c daemon/lists/succinct.c daemon/lists/decompress.c daemon/reader.c daemon/lists/names.c daemon/address.c daemon/name.c daemon/text.c -lz -lzstd -llzma -lidn2
/* Any bytes as a list of the policy: whatever the file adds and nothing takes away is found in the
 * list made of it, and explained. */
#include <stdlib.h>
#include <string.h>

#include "daemon/policy/list.h"
#include "daemon/policy/source.h"
#include "daemon/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static int find_name(void *context, const struct list_entry *entry)
{
	require(!entry->allow && entry->name[0]);
	if (entry->pattern != NAME_SUBDOMAINS)
		require(list_has_host(context, entry->name));
	return 0;
}

struct finding {
	const struct list *list;
	bool allows;
	unsigned explained;
};

static int note_allow(void *context, const struct list_entry *entry)
{
	((struct finding *)context)->allows |= entry->allow;
	return 0;
}

static int find_address(void *context, const struct list_entry *entry)
{
	struct finding *finding = context;
	char storage[256];
	struct text text;

	if (entry->kind != ENTRY_RANGE || finding->allows)
		return 0;
	require(list_has_address(finding->list, &entry->first));
	require(list_has_address(finding->list, &entry->last));
	if (finding->explained++ < 4) {
		text_begin(&text, storage, sizeof(storage));
		require(list_print_address_entry(finding->list, &entry->first, &text));
	}
	return 0;
}

static void use(const struct list *list, const struct source *source)
{
	struct span span = { (const uint8_t *)source->bytes, source->length };
	struct format_options options = { 0 };
	struct finding finding = { .list = list };
	struct list_reading reading;
	char storage[256];
	struct text text;

	require(list_each_name(list, find_name, (void *)(uintptr_t)list));
	list_read_span(span, &options, note_allow, &finding, &reading);
	list_read_span(span, &options, find_address, &finding, &reading);
	text_begin(&text, storage, sizeof(storage));
	require(list_print_host_entry(list, "www.a.example", &text) ==
		list_has_host(list, "www.a.example"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char name[] = "list.txt";
	struct source source = { .name = name, .bytes = (const char *)data, .length = size };
	struct list *list = list_new();
	struct list_reading reading;

	if (!list)
		return 0;
	if (list_read_names(list, &source, &reading) == FORMAT_TAKEN && list_finish(list) == 0)
		use(list, &source);
	list_free(list);
	return 0;
}
