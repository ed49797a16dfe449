#include "daemon/supervisor/ban_answers.h"

#include <errno.h>
#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/server.h"
#include "daemon/supervisor/cutting.h"
#include "daemon/supervisor/supervision.h"
#include "netfilter/bans.h"

enum { BAN_SECONDS_MAX = 365 * 24 * 3600 };

/* "90", "90s", "15m", "1h", "7d"; 0 when it is none of these. */
static unsigned read_seconds(const char *text)
{
	static const struct {
		char unit;
		unsigned seconds;
	} units[] = { { 0, 1 }, { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 24 * 3600 } };
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || (*end && end[1]))
		return 0;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (*end == units[i].unit && number <= BAN_SECONDS_MAX / units[i].seconds)
			return (unsigned)number * units[i].seconds;
	return 0;
}

/* Whoever bans the gateway itself could not take it back. */
static bool is_own(const struct address *address)
{
	struct ifaddrs *all, *each;
	bool own = false;

	if (getifaddrs(&all) < 0)
		return false;
	for (each = all; each && !own; each = each->ifa_next) {
		struct address here;

		own = each->ifa_addr && address_from_socket(&here, each->ifa_addr) == 0 &&
		      memcmp(here.bytes, address->bytes, address_width(address)) == 0 &&
		      here.family == address->family;
	}
	freeifaddrs(all);
	return own;
}

/* Running connections end, too. */
static void ban(struct supervisor *supervisor, const struct address *address, unsigned seconds,
		struct control_answer *answer)
{
	const struct cut_order order = { .kind = ORDER_CUT, .address = *address };
	char message[BANS_MESSAGE];

	if (ban_add(supervisor->policy, address, seconds, message) < 0) {
		control_answer_end(answer, 1, message);
		return;
	}
	cutting_order(supervisor, &order);
	control_answer_end(answer, 0, NULL);
}

void answer_ban(void *context, json_t *request, struct control_answer *answer)
{
	const char *what = NULL, *length = NULL;
	struct address address;
	unsigned seconds;

	if (json_unpack(request, "{s:s, s?s}", "what", &what, "for", &length) < 0 ||
	    address_parse(&address, what) < 0) {
		control_answer_end(answer, 1, "ban takes an address such as 198.51.100.7; for "
					      "prefixes there are lists");
		return;
	}
	seconds = length ? read_seconds(length) : 0;
	if (length && !seconds)
		control_answer_end(answer, 1, "--for takes a time such as 90s, 15m, 1h or 7d, a "
					      "year at most");
	else if (is_own(&address))
		control_answer_end(answer, 1, "this is an address of the gateway itself");
	else
		ban(context, &address, seconds, answer);
}

void answer_unban(void *context, json_t *request, struct control_answer *answer)
{
	const char *what = NULL;
	struct address address;

	(void)context;
	if (json_unpack(request, "{s:s}", "what", &what) < 0 || address_parse(&address, what) < 0)
		control_answer_end(answer, 1, "unban takes an address such as 198.51.100.7");
	else if (ban_remove(&address) == 0)
		control_answer_end(answer, 0, NULL);
	else
		control_answer_end(answer, 1,
				   errno == ENOENT ? "it is not banned" : strerror(errno));
}

static void tell(void *context, const struct address *address, unsigned left)
{
	char text[ADDRESS_TEXT];

	control_answer_line(context,
			    json_pack("{s:s, s:o}", "address", address_print(address, text), "left",
				      left ? json_integer(left) : json_null()));
}

void answer_bans(void *context, json_t *request, struct control_answer *answer)
{
	(void)context;
	(void)request;
	if (bans_each(tell, answer) < 0)
		control_answer_end(answer, 1, strerror(errno));
	else
		control_answer_end(answer, 0, NULL);
}
