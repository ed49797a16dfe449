/* `devices`: from the policy file into struct device. */
#include <stdlib.h>
#include <string.h>

#include "daemon/policy/definitions.h"
#include "daemon/policy/label.h"
#include "daemon/policy/leases.h"
#include "daemon/policy/scalar.h"

/* MACs and addresses of one device that leases may add to. */
enum { LEASED_MAX = 64 };

static void add_prefix(struct reading *reading, struct device *device,
		       const struct prefix *prefix)
{
	struct prefix *grown = reading_grow(reading, device->prefixes, &device->prefix_count,
					    sizeof(*grown));

	if (!grown)
		return;
	device->prefixes = grown;
	grown[device->prefix_count - 1] = *prefix;
}

static void add_mac(struct reading *reading, struct device *device, const uint8_t mac[static 6])
{
	void *grown =
		reading_grow(reading, device->macs, &device->mac_count, sizeof(*device->macs));

	if (!grown)
		return;
	device->macs = grown;
	memcpy(device->macs[device->mac_count - 1], mac, sizeof(*device->macs));
}

static void read_address(struct reading *reading, const struct keyword *keyword, struct value value,
			 void *target)
{
	struct prefix prefix;

	if (scalar_prefix(reading, keyword, value, &prefix))
		add_prefix(reading, target, &prefix);
}

static void read_mac(struct reading *reading, const struct keyword *keyword, struct value value,
		     void *target)
{
	uint8_t mac[6];

	if (mac_parse(mac, value_text(value)) == 0)
		add_mac(reading, target, mac);
	else
		keyword_mismatch(reading, keyword, value);
}

struct finding {
	struct reading *reading;
	struct device *device;
};

/* The MAC stays when the address is another's; only where there is none is it the address that counts. */
static void take_lease(void *context, const uint8_t *mac, const struct address *address)
{
	const struct finding *finding = context;

	if (finding->device->mac_count + finding->device->prefix_count >= LEASED_MAX)
		return;
	if (mac) {
		add_mac(finding->reading, finding->device, mac);
	} else if (address) {
		const struct prefix prefix = { *address, (uint8_t)(address_width(address) * 8) };

		add_prefix(finding->reading, finding->device, &prefix);
	}
}

static void read_host(struct reading *reading, const struct keyword *keyword, struct value value,
		      void *target)
{
	const struct sources *sources = reading->policy->sources;
	struct device *device = target;
	struct finding finding = { reading, device };
	bool any = false;

	if (!scalar_is_label(value_text(value))) {
		keyword_mismatch(reading, keyword, value);
		return;
	}
	device->by_host = true;
	for (size_t i = 0; i < sources->count; i++) {
		const struct source *source = &sources->sources[i];

		if (source->kind != SOURCE_LEASES)
			continue;
		any = true;
		if (source->bytes)
			leases_find((struct span){ (const uint8_t *)source->bytes, source->length },
				    value_text(value), take_lease, &finding);
	}
	if (!any)
		reading_error(reading, value,
			      "host names are looked up in the DHCP server's leases: say where they "
			      "are, with \"leases: /tmp/dhcp.leases\"");
}

static void read_quota(struct reading *reading, const struct keyword *keyword, struct value value,
		       void *target)
{
	struct device *device = target;

	scalar_size(reading, keyword, value, &device->quota);
}

static const struct keyword device_keywords[] = {
	{ "address", FORM_TEXT | FORM_LIST,
	  "an address or prefix such as 192.0.2.64/27, or a list of them", .read = read_address },
	{ "mac", FORM_TEXT | FORM_LIST, "a MAC such as 02:00:00:00:00:10, or a list of them",
	  .read = read_mac },
	{ "host", FORM_TEXT | FORM_LIST,
	  "a host name that the device tells the DHCP server, or a list of them", .read = read_host },
	{ "quota", FORM_TEXT | FORM_NUMBER,
	  "a size such as 2 GB that the device may carry in a day, both ways together",
	  .read = read_quota },
	{ 0 },
};

const struct grammar device_grammar = { "a device", device_keywords };

/* `from` takes all of these: a device of such a name could never be meant. */
static bool is_other_word(const char *name)
{
	struct prefix prefix;
	uint8_t mac[6];

	return prefix_parse(&prefix, name) != -1 || mac_parse(mac, name) == 0;
}

static struct device *add_device(struct reading *reading)
{
	struct policy *policy = reading->policy;
	struct device *grown =
		reading_grow(reading, policy->devices, &policy->device_count, sizeof(*grown));

	if (!grown)
		return NULL;
	policy->devices = grown;
	return &grown[policy->device_count - 1];
}

static void read_device(struct reading *reading, struct value value, struct device *device)
{
	size_t errors = reading->errors;

	grammar_read(reading, &device_grammar, value, device);
	if (!device->prefix_count && !device->mac_count && !device->by_host &&
	    reading->errors == errors)
		reading_error(reading, value,
			      "the device \"%s\" has neither \"address\" nor \"mac\" nor \"host\"",
			      device->name);
}

void read_devices(struct reading *reading, const struct keyword *keyword, struct value value,
		  void *target)
{
	(void)target;
	for (size_t i = 0; i < value_count(value) && !reading->overrun; i++) {
		char *name = label_read(reading, keyword, value, i);
		bool doubled = name && find_device(reading->policy, name);
		struct device *device;

		if (name && is_other_word(name))
			reading_error(reading, value_key(value, i),
				      "a device cannot be named like an address");
		if (doubled)
			label_doubled(reading, keyword, value_key(value, i));
		device = name && !doubled ? add_device(reading) : NULL;
		if (!device) {
			free(name);
			continue;
		}
		device->name = name;
		read_device(reading, value_item(value, i), device);
	}
}
