/* How many bytes a device may carry through the gateway in a day, both ways together: named quotas in a table of
 * their own (`inet headgate-quotas`), which reloads leave alone. A device known by MAC is followed to the
 * addresses it sends from. Needs CAP_NET_ADMIN. */
#pragma once

#include "daemon/policy/policy.h"
#include "netfilter/quota_book.h"

enum { QUOTAS_MESSAGE = 256 };

/* Sees to it that the devices of the policy that have a quota are counted, and no others. What they have used
 * already stays, also what a daemon before this one counted, unless it was on another day than date
 * (20261125); where nothing is counted yet, the book says what there was. 0, or -1 with errno and a sentence in
 * message. */
int quotas_load(const struct policy *policy, uint32_t date, const struct quota_book *book,
		char message[static QUOTAS_MESSAGE]);

/* The day that is being counted; 0: nothing is. */
uint32_t quotas_date(void);

/* Hears of one device's use. */
typedef void quota_visit(void *context, const char *device, uint64_t used, uint64_t quota);

/* All of them. 0, also when there is none; -1 with errno. */
int quotas_each(quota_visit *visit, void *context);

/* 0, also when there is none; -1 with errno. */
int quotas_remove(void);
