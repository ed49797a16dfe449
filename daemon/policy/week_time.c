#include "daemon/policy/week_time.h"

struct week_time week_time_at(time_t moment)
{
	struct tm parts;

	if (!localtime_r(&moment, &parts))
		return (struct week_time){ 0 };
	return (struct week_time){ .weekday = (uint8_t)((parts.tm_wday + 6) % 7),
				   .minute = (uint16_t)(parts.tm_hour * 60 + parts.tm_min) };
}
