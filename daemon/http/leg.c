#include "daemon/http/leg.h"

struct scratch leg_scratch;

bool leg_flush(struct leg *leg)
{
	size_t before = side_pending(leg->side);

	if (!before || leg->broken)
		return false;
	if (side_flush(leg->side) < 0)
		leg->broken = true;
	return side_pending(leg->side) < before;
}
