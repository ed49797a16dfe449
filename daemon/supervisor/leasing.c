#include "daemon/supervisor/leasing.h"

#include <string.h>
#include <sys/stat.h>

#include "daemon/log.h"
#include "daemon/supervisor/reload.h"
#include "daemon/supervisor/supervision.h"

/* Another number when any of the files is another than before; 0: there is none. */
static uint64_t look(const struct sources *sources)
{
	uint64_t mixed = 0;

	for (size_t i = 0; i < sources->count; i++) {
		struct stat now;

		if (sources->sources[i].kind != SOURCE_LEASES)
			continue;
		if (stat(sources->sources[i].name, &now) < 0)
			memset(&now, 0, sizeof(now));
		mixed = (mixed + 1) * 0x9e3779b97f4a7c15;
		mixed ^= (uint64_t)now.st_ino << 32 ^ (uint64_t)now.st_size;
		mixed = mixed * 0x9e3779b97f4a7c15 + (uint64_t)now.st_mtim.tv_sec * 1000000000 +
			(uint64_t)now.st_mtim.tv_nsec;
	}
	return mixed;
}

static bool same_device(const struct device *a, const struct device *b)
{
	return a->mac_count == b->mac_count && a->prefix_count == b->prefix_count &&
	       (!a->mac_count || memcmp(a->macs, b->macs, a->mac_count * sizeof(*a->macs)) == 0) &&
	       (!a->prefix_count ||
		memcmp(a->prefixes, b->prefixes, a->prefix_count * sizeof(*a->prefixes)) == 0);
}

static bool same_devices(const struct policy *a, const struct policy *b)
{
	for (size_t i = 0; i < a->device_count; i++)
		if (!same_device(&a->devices[i], &b->devices[i]))
			return false;
	return true;
}

void leasing_tick(struct supervisor *supervisor)
{
	uint64_t now = look(supervisor->policy->sources);
	struct sources *sources;
	struct policy *policy;

	if (now == supervisor->leases_seen || supervisor->reload)
		return;
	supervisor->leases_seen = now;
	sources = sources_renew_leases(supervisor->policy->sources);
	policy = sources ? config_parse(sources, NULL, NULL) : NULL;
	if (!policy || same_devices(policy, supervisor->policy)) {
		policy_release(policy);
		return;
	}
	log_info("the DHCP server's leases know a device by another address than before");
	reload_policy(supervisor, policy);
}
