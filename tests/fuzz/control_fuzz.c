// link: daemon/control/request.c daemon/control/cell.c -ljansson
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "daemon/control/cell.h"
#include "daemon/control/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void show(const json_t *line, const char *member)
{
	static cell_print *const cells[] = { cell_value,	cell_address, cell_bytes,
					     cell_milliseconds, cell_seconds, cell_clock };

	for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
		free(cells[i](line, member));
}

/* The request line as the daemon reads it, and its members as headgatectl would show them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *message = NULL;
	json_t *request = request_parse((const char *)data, size, &message);
	const char *name;
	json_t *value;

	if (!request != (message != NULL))
		abort();
	if (!request)
		return 0;
	if (!request_command(request))
		abort();
	json_object_foreach(request, name, value)
	{
		show(request, name);
	}
	json_decref(request);
	return 0;
}
