// link: daemon/policy/leases.c daemon/policy/device.c daemon/address.c
#include <string.h>

#include "daemon/policy/leases.h"

static void note(void *context, const uint8_t *mac, const struct address *address)
{
	unsigned *sum = context;

	*sum += (mac ? mac[5] : 0) + (address ? address->family : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	unsigned sum = 0;

	leases_find((struct span){ bytes, length }, "tv", note, &sum);
	return sum == UINT32_MAX;
}
