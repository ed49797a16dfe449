#include "daemon/supervisor/guarding.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/supervisor/reload.h"
#include "daemon/supervisor/supervision.h"
#include "netfilter/netlink.h"

void guarding_begin(struct guarding *guarding)
{
	const uint32_t groups =
		1U << (RTNLGRP_IPV4_IFADDR - 1) | 1U << (RTNLGRP_IPV6_IFADDR - 1);

	guarding->addresses = netlink_listen(NETLINK_ROUTE, groups);
	if (!guarding->addresses)
		log_warning("other networks on the LAN ports will not be noticed: %s", strerror(errno));
	/* One may have come between the lists and here. */
	guarding->changed = true;
}

void guarding_end(struct guarding *guarding)
{
	netlink_close(guarding->addresses);
	guarding->addresses = NULL;
}

static int note_address(const struct nlmsghdr *message, void *context)
{
	bool *changed = context;

	(void)message;
	*changed = true;
	return 0;
}

void guarding_tick(struct supervisor *supervisor)
{
	struct guarding *guarding = &supervisor->guarding;

	if (guarding->addresses &&
	    netlink_drain(guarding->addresses, note_address, &guarding->changed) < 0)
		guarding->changed = true;
	if (!guarding->changed)
		return;
	/* While lists are being compiled, they may be for the networks of before. */
	if (supervisor->reload)
		return;
	guarding->changed = false;
	if (collection_is_guarding(supervisor->policy))
		return;
	log_warning("the networks on the LAN ports have changed: lists are compiled anew, so that they spare them");
	if (reload_lists(supervisor) < 0)
		guarding->changed = true;
}
