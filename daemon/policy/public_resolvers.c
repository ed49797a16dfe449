#include "daemon/policy/public_resolvers.h"

#include "daemon/name.h"

/* ".name" is the name and all below it. */
static const char *const names[] = {
	/* Devices ask for these to hear whether the network wants its own resolver used: Firefox
	 * (support.mozilla.org, "canary domain"), Apple's Private Relay (developer.apple.com, "Prepare
	 * your network"), discovery of designated resolvers (RFC 9462). "No such name" is a no. */
	"use-application-dns.net",
	"mask.icloud.com",
	"mask-h2.icloud.com",
	".resolver.arpa",

	/* Google */
	".dns.google",
	"8888.google",
	"dns.google.com",
	/* Cloudflare, also for Mozilla and Chrome */
	".cloudflare-dns.com",
	"one.one.one.one",
	".cloudflare-gateway.com",
	/* Quad9 */
	"dns.quad9.net",
	"dns9.quad9.net",
	"dns10.quad9.net",
	"dns11.quad9.net",
	"dns12.quad9.net",
	"dns-nosec.quad9.net",
	/* OpenDNS, Cisco Umbrella */
	"doh.opendns.com",
	"dns.opendns.com",
	"doh.familyshield.opendns.com",
	"familyshield.opendns.com",
	"doh.sandbox.opendns.com",
	"dns.umbrella.com",
	"doh.umbrella.com",
	/* AdGuard */
	".adguard-dns.com",
	"dns.adguard.com",
	"dns-family.adguard.com",
	"dns-unfiltered.adguard.com",
	/* NextDNS, also for Mozilla; Control D; CleanBrowsing */
	".dns.nextdns.io",
	".controld.com",
	"doh.cleanbrowsing.org",
	"security-filter-dns.cleanbrowsing.org",
	"family-filter-dns.cleanbrowsing.org",
	"adult-filter-dns.cleanbrowsing.org",
	/* Europe */
	".dns.mullvad.net",
	"doh.mullvad.net",
	".dns0.eu",
	".joindns4.eu",
	"dns.digitale-gesellschaft.ch",
	"dns.switch.ch",
	"doh.applied-privacy.net",
	"dot1.applied-privacy.net",
	"doh.ffmuc.net",
	"dot.ffmuc.net",
	"doh.libredns.gr",
	"dot.libredns.gr",
	"dns.njal.la",
	"odvr.nic.cz",
	"anycast.uncensoreddns.org",
	"unicast.uncensoreddns.org",
	"dnsforge.de",
	"dns.comss.one",
	"wikimedia-dns.org",
	/* Asia */
	"dns.alidns.com",
	"doh.pub",
	"dot.pub",
	"doh.360.cn",
	"dot.360.cn",
	"doh.dns.sb",
	"dot.sb",
	"dns.twnic.tw",
	"public.dns.iij.jp",
	/* others */
	"doh.xfinity.com",
	"dot.xfinity.com",
};

enum { PREFIXES = 82 };

static const char *const addresses[PREFIXES] = {
	/* Google */
	"8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "2001:4860:4860::8844",
	"2001:4860:4860::64", "2001:4860:4860::6464",
	/* Cloudflare */
	"1.1.1.1", "1.0.0.1", "1.1.1.2", "1.0.0.2", "1.1.1.3", "1.0.0.3",
	"2606:4700:4700::1111", "2606:4700:4700::1001", "2606:4700:4700::1112",
	"2606:4700:4700::1002", "2606:4700:4700::1113", "2606:4700:4700::1003",
	"2606:4700:4700::64", "2606:4700:4700::6400", "104.16.248.249", "104.16.249.249",
	/* Quad9 */
	"9.9.9.9", "9.9.9.10", "9.9.9.11", "9.9.9.12", "149.112.112.112", "149.112.112.10",
	"149.112.112.11", "149.112.112.12", "2620:fe::fe", "2620:fe::9", "2620:fe::10",
	"2620:fe::fe:10", "2620:fe::11", "2620:fe::fe:11", "2620:fe::12", "2620:fe::fe:12",
	/* OpenDNS, Cisco Umbrella */
	"208.67.222.222", "208.67.220.220", "208.67.222.123", "208.67.220.123", "208.67.222.2",
	"208.67.220.2", "146.112.41.2", "146.112.41.3", "2620:119:35::35", "2620:119:53::53",
	"2620:119:35::123", "2620:119:53::123",
	/* AdGuard */
	"94.140.14.14", "94.140.15.15", "94.140.14.15", "94.140.15.16", "94.140.14.140",
	"94.140.14.141", "2a10:50c0::ad1:ff", "2a10:50c0::ad2:ff", "2a10:50c0::bad1:ff",
	"2a10:50c0::bad2:ff", "2a10:50c0::1:ff", "2a10:50c0::2:ff",
	/* NextDNS, Control D, CleanBrowsing */
	"45.90.28.0/24", "45.90.30.0/24", "76.76.2.0/24", "76.76.10.0/24", "2606:1a40::/48",
	"185.228.168.0/24", "185.228.169.0/24",
	/* Mullvad, DNS0, DNS4EU */
	"194.242.2.0/24", "2a07:e340::/48", "193.110.81.0/24", "185.253.5.0/24",
	"86.54.11.0/24",
	/* Alibaba, Tencent, DNS.SB */
	"223.5.5.5", "223.6.6.6", "2400:3200::1", "2400:3200:baba::1", "1.12.12.12",
	"120.53.53.53", "185.222.222.222", "45.11.45.11",
};

bool public_resolvers_have_name(const char *host)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		bool tree = names[i][0] == '.';

		if (name_matches(host, tree ? NAME_TREE : NAME_EXACT, names[i] + tree))
			return true;
	}
	return false;
}

const struct prefix *public_resolvers_prefixes(size_t *count)
{
	static struct prefix prefixes[PREFIXES];
	static size_t parsed;

	while (parsed < PREFIXES && prefix_parse(&prefixes[parsed], addresses[parsed]) == 0)
		parsed++;
	*count = parsed;
	return prefixes;
}

bool public_resolvers_have_address(const struct address *address)
{
	size_t count;
	const struct prefix *prefixes = public_resolvers_prefixes(&count);

	for (size_t i = 0; i < count; i++)
		if (prefix_contains(&prefixes[i], address))
			return true;
	return false;
}
