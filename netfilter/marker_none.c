/* In place of marker.c where clang or libbpf were missing when this was built. */
#include <errno.h>
#include <stdio.h>

#include "netfilter/marker.h"

struct marker *marker_open(char message[static MARKER_MESSAGE])
{
	snprintf(message, MARKER_MESSAGE, "this program was built without clang or libbpf");
	errno = ENOSYS;
	return NULL;
}

void marker_close(struct marker *marker)
{
	(void)marker;
}

int marker_load(struct marker *marker, const struct ranges *ranges,
		const struct signatures *signatures, uint32_t mark_mask)
{
	(void)marker;
	(void)ranges;
	(void)signatures;
	(void)mark_mask;
	errno = ENOSYS;
	return -1;
}

size_t marker_size(const struct marker *marker)
{
	(void)marker;
	return 0;
}

int marker_attach(struct marker *marker, unsigned port, enum marker_side side)
{
	(void)marker;
	(void)port;
	(void)side;
	errno = ENOSYS;
	return -1;
}

bool marker_is_attached(const struct marker *marker, unsigned port, enum marker_side side)
{
	(void)marker;
	(void)port;
	(void)side;
	return false;
}

int marker_detach(unsigned port)
{
	(void)port;
	return 0;
}

int marker_try(const struct marker *marker, enum marker_side side, const void *packet, size_t length,
	       unsigned count, uint32_t *mark, uint32_t *nanoseconds)
{
	(void)marker;
	(void)side;
	(void)packet;
	(void)length;
	(void)count;
	(void)mark;
	(void)nanoseconds;
	errno = ENOSYS;
	return -1;
}
