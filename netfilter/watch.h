/* Notices when somebody else deletes or empties our nft table (OpenWrt's `firewall stop`, `nft
 * flush ruleset`), so that the supervisor loads it again. Replacing it ourselves is one transaction
 * and goes unnoticed; before removing it ourselves, close the watch. Needs CAP_NET_ADMIN. */
#pragma once

struct watch;

/* Listens to NFNLGRP_NFTABLES. NULL with errno. */
struct watch *watch_open(void);

/* NULL is fine. */
void watch_close(struct watch *watch);

/* Readable when something changed in nftables: then call watch_read(). */
int watch_descriptor(const struct watch *watch);

enum watch_news {
	WATCH_QUIET,	  /* nothing that concerns us */
	WATCH_TABLE_GONE, /* load it again, now */
	WATCH_FAILED,	  /* the kernel did not say; errno is set. Ask again in a second */
};

/* Reads everything that waits and looks at the table when a message, or a lost message, gives
 * reason. */
enum watch_news watch_read(struct watch *watch);
