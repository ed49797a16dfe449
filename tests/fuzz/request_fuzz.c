// link: daemon/allowance.c daemon/spare.c tests/fuzz/retelling.c daemon/http/forward.c daemon/http/edits.c daemon/http/guard.c daemon/http/message.c daemon/http/h1_reader.c daemon/http/h1_printer.c daemon/text.c daemon/name.c daemon/address.c llhttp
/* Requests: read in any steps they mean the same, and what is sent on is read as the same again. */
#include "tests/fuzz/retelling.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	retell_and_compare(NULL, data, size);
	return 0;
}
