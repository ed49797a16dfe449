/* What the table `inet headgate` holds in the kernel, by name. Needs CAP_NET_ADMIN. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { INVENTORY_NAME = 64 };

struct inventory_item {
	const char *kind; /* as nft calls it: "chain", "set", "counter" */
	bool hooked;	  /* a chain at a hook */
	char name[INVENTORY_NAME];
};

struct inventory {
	size_t count;
	struct inventory_item *items;
};

/* Asks the kernel; without a table there is nothing. Names that no table of ours has (other than letters, digits, _
 * and .) are left out: what others may have named goes into no text. inventory_free() must follow. 0, or -1 with errno. */
int inventory_take(struct inventory *inventory);
void inventory_free(struct inventory *inventory);
