// link: daemon/console/query.c daemon/console/resource.c daemon/text.c -ljansson
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/console/resource.h"
#include "daemon/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever a query says, the question is one line of JSON that asks for explain, and its members are strings. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct resource *explain = resource_find("/api/explain");
	char *query = strndup((const char *)data, size);
	char storage[1024];
	struct text line;

	if (!query)
		return 0;
	text_begin(&line, storage, sizeof(storage));
	if (resource_question(explain, query, &line) == 0) {
		json_t *question = json_loads(storage, JSON_REJECT_DUPLICATES, NULL);
		const char *name, *command = NULL;
		json_t *value;

		if (!question || strchr(storage, '\n') || json_unpack(question, "{s:s}", "command", &command) < 0 ||
		    strcmp(command, "explain") != 0)
			abort();
		json_object_foreach(question, name, value)
		{
			if (!json_is_string(value))
				abort();
		}
		json_decref(question);
	}
	free(query);
	return 0;
}
