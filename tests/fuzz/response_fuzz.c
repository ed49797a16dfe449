// link: daemon/allowance.c daemon/spare.c tests/fuzz/retelling.c daemon/http/forward.c daemon/http/edits.c daemon/http/guard.c daemon/http/message.c daemon/http/h1_reader.c daemon/http/h1_printer.c daemon/text.c daemon/name.c daemon/address.c llhttp
/* Responses: the first byte chooses the request's method. */
#include "tests/fuzz/retelling.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size)
		retell_and_compare(data[0] == '#' ? "HEAD" : "GET", data + 1, size - 1);
	return 0;
}
