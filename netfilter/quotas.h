/* How many bytes a device may carry through the gateway in a day, both ways together: named quotas in a table of
 * their own (`inet headgate-quotas`), which reloads leave alone. A device known by MAC is followed to the
 * addresses it sends from. Needs CAP_NET_ADMIN. */
#pragma once

#include "daemon/policy/policy.h"

enum { QUOTAS_MESSAGE = 256 };

/* Sees to it that the devices of the policy that have a quota are counted, and no others; what they have used
 * already stays. 0, or -1 with errno and a sentence in message. */
int quotas_load(const struct policy *policy, char message[static QUOTAS_MESSAGE]);

/* Hears of one device's use. */
typedef void quota_visit(void *context, const char *device, uint64_t used, uint64_t quota);

/* All of them. 0, also when there is none; -1 with errno. */
int quotas_each(quota_visit *visit, void *context);

/* A new day: nobody has used anything. 0 or -1 with errno. */
int quotas_reset(void);

/* 0, also when there is none; -1 with errno. */
int quotas_remove(void);
