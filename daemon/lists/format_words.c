#include "daemon/lists/format_words.h"

#include <stddef.h>

const char *const format_words[] = { "plain", "hosts", "dnsmasq", "adblock",  "rpz",
				     "csv",   "drop",  "ipset",	  "nftables", "mmdb",
				     "srs",   "mrs",   "auto",	  NULL };
