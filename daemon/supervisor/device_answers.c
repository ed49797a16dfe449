#include "daemon/supervisor/device_answers.h"

#include <string.h>

#include "daemon/control/server.h"
#include "daemon/supervisor/supervision.h"
#include "netfilter/quotas.h"

/* The use of one device. */
struct search {
	const char *device;
	uint64_t used;
};

static void note(void *context, const char *device, uint64_t used, uint64_t quota)
{
	struct search *search = context;

	(void)quota;
	if (strcmp(device, search->device) == 0)
		search->used = used;
}

static json_t *device_json(const struct device *device)
{
	struct search search = { .device = device->name };

	if (!device->quota)
		return json_pack("{s:s, s:n, s:n, s:b}", "name", device->name, "bytes_today",
				 "quota_bytes", "spent", false);
	quotas_each(note, &search);
	return json_pack("{s:s, s:I, s:I, s:b}", "name", device->name, "bytes_today",
			 (json_int_t)search.used, "quota_bytes", (json_int_t)device->quota, "spent",
			 search.used >= device->quota);
}

void answer_devices(void *context, json_t *request, struct control_answer *answer)
{
	const struct policy *policy = ((const struct supervisor *)context)->policy;

	(void)request;
	for (size_t i = 0; i < policy->device_count; i++)
		control_answer_line(answer, device_json(&policy->devices[i]));
	control_answer_end(answer, 0, NULL);
}
