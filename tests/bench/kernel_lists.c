// link: policy lists marker netfilter/signatures.c netfilter/intervals.c netfilter/shards.c netfilter/table.c netfilter/netlink.c daemon/clock.c -lyaml -lz -lzstd -llzma -lidn2 -lmnl -lnftables
/* What lists cost in the kernel. Compiles random /24 prefixes into DIRECTORY/list.compiled, writes them as
 * files for nft and ipset beside it, and then:
 *   kernel_lists DIRECTORY COUNT write   only that
 *   kernel_lists DIRECTORY COUNT bpf     loads them the BPF way and runs the program over packets
 *   kernel_lists DIRECTORY COUNT find    asks the compiled file, as a worker does
 *   kernel_lists DIRECTORY COUNT nft     loads them into sharded sets of this network namespace
 *   kernel_lists DIRECTORY COUNT lan0    loads them the BPF way and leaves the program at the port
 *   kernel_lists flood ADDRESS COUNT     sends small packets to 4096 addresses from ADDRESS on
 * Prints one line for each figure: "name value unit". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/lists/builder.h"
#include "daemon/lists/publication.h"
#include "daemon/policy/config.h"
#include "daemon/text.h"
#include "netfilter/marker.h"
#include "netfilter/shards.h"

enum { PACKETS = 2001, REPEAT = 500, TURNS = 9, MARK = 0x00ff0000 };

static const char policy_text[] =
	"headgate: 1\nlan: [lan0]\nlists: { drop: { addresses: drop.txt } }\n"
	"rules: [{ when: { address: list drop }, do: block }]\n";

static void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

/* xorshift64*: the same numbers in every run. */
static uint64_t draw(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d) >> 8;
}

static FILE *create(const char *directory, const char *name)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	if (!file)
		die(path);
	return file;
}

static void write_lists(const char *directory, unsigned count)
{
	struct list_builder *builder = list_builder_new(directory);
	struct list_entry entry = { .kind = ENTRY_RANGE };
	FILE *nft = create(directory, "list.nft"), *ipset = create(directory, "list.ipset");
	char path[4096], text[ADDRESS_TEXT];
	uint64_t state = 1;
	int descriptor;

	if (!builder || list_builder_begin(builder, "drop") < 0)
		die("builder");
	fprintf(nft, "table inet peer {\nset listed { type ipv4_addr; flags interval; auto-merge; }\n}\n"
		     "add element inet peer listed {\n");
	fprintf(ipset, "create peer hash:net maxelem %u\n", 2 * count);
	entry.first.family = entry.last.family = AF_INET;
	for (unsigned i = 0; i < count; i++) {
		uint32_t base = (uint32_t)draw(&state) & 0xffffff00;

		base += base ? 0 : 256;
		entry.first.v4.s_addr = htonl(base);
		entry.last.v4.s_addr = htonl(base | 0xff);
		if (list_builder_add(builder, &entry))
			die("range");
		address_print(&entry.first, text);
		fprintf(nft, "%s/24,\n", text);
		fprintf(ipset, "add peer %s/24 -exist\n", text);
	}
	fprintf(nft, "}\n");
	fclose(nft);
	fclose(ipset);
	snprintf(path, sizeof(path), "%s/list.compiled", directory);
	descriptor = publication_open(path);
	if (list_builder_write(builder, 0, descriptor) || publication_finish(path, descriptor))
		die(path);
	list_builder_free(builder);
}

static void report(void *context, enum severity severity, const struct place *place,
		   const char *message)
{
	(void)context;
	fprintf(stderr, "%s:%u: %s%s\n", place->file, place->line,
		severity == SEVERITY_ERROR ? "" : "warning: ", message);
}

static struct policy *open_policy(const char *directory)
{
	struct policy *policy = config_parse(
		sources_of_text("bench.yaml", policy_text, strlen(policy_text)), report, NULL);
	struct compiled *compiled = calloc(1, sizeof(*compiled));
	char path[4096];

	snprintf(path, sizeof(path), "%s/list.compiled", directory);
	if (!policy || !compiled || compiled_open(compiled, path) ||
	    policy_take_lists(policy, compiled))
		die(path);
	return policy;
}

static int by_value(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), by_value);
	return values[count / 2];
}

static void measure_packets(const struct marker *marker)
{
	static double times[PACKETS];
	uint8_t packet[64] = { [12] = 8, [14] = 0x45 };
	uint64_t state = 77;
	unsigned hits = 0;

	for (unsigned i = 0; i < PACKETS; i++) {
		uint32_t address = htonl((uint32_t)draw(&state)), mark, nanoseconds;

		memcpy(packet + 14 + 16, &address, 4);
		if (marker_try(marker, MARKER_DESTINATION, packet, sizeof(packet), REPEAT, &mark,
			       &nanoseconds))
			die("test run");
		times[i] = nanoseconds;
		hits += mark != 0;
	}
	printf("packet %.0f ns\n", median(times, PACKETS));
	printf("hits %.1f %%\n", 100.0 * hits / PACKETS);
}

static int measure_bpf(const char *directory)
{
	char message[MARKER_MESSAGE];
	struct marker *marker = marker_open(message);
	struct signatures signatures = { 0 };
	struct policy *policy = NULL;
	double times[TURNS];

	if (!marker)
		return fprintf(stderr, "kernel_lists: %s\n", message), 1;
	for (unsigned i = 0; i < TURNS; i++) {
		int64_t begin;

		policy_release(policy);
		begin = clock_steady();
		policy = open_policy(directory);
		if (signatures_take(&signatures, policy) ||
		    marker_load(marker, &policy->compiled->ranges, &signatures, MARK))
			die("load");
		times[i] = (double)(clock_steady() - begin) / 1e3;
	}
	printf("ranges %u records\n", policy->compiled->ranges.count4);
	printf("load %.1f ms\n", median(times, TURNS));
	printf("kernel_bytes %.2f B\n",
	       (double)marker_size(marker) / policy->compiled->ranges.count4);
	measure_packets(marker);
	return 0;
}

static int measure_find(const char *directory)
{
	struct policy *policy = open_policy(directory);
	static struct address addresses[1 << 16];
	double times[TURNS];
	uint64_t state = 77;
	unsigned hits = 0;

	for (unsigned i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		addresses[i].family = AF_INET;
		addresses[i].v4.s_addr = htonl((uint32_t)draw(&state));
	}
	for (unsigned turn = 0; turn < TURNS; turn++) {
		int64_t begin = clock_steady();

		for (unsigned i = 0; i < sizeof(addresses) / sizeof(*addresses); i++)
			hits += ranges_find(&policy->compiled->ranges, &addresses[i]) != NULL;
		times[turn] = (double)(clock_steady() - begin) * 1e3 / (1 << 16);
	}
	printf("find %.1f ns\n", median(times, TURNS));
	printf("hits %.1f %%\n", 100.0 * hits / TURNS / (1 << 16));
	return 0;
}

static long resident(void)
{
	long kilobytes = 0;
	char line[256];
	FILE *file = fopen("/proc/self/status", "r");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "RssAnon: %ld", &kilobytes) == 1)
			break;
	if (file)
		fclose(file);
	return kilobytes;
}

static int measure_nft(const char *directory)
{
	struct policy *policy = open_policy(directory);
	struct signatures signatures = { 0 };
	char message[SHARDS_MESSAGE];
	long before = resident();
	int64_t begin = clock_steady();

	if (signatures_take(&signatures, policy) || shards_load(policy, &signatures, message)) {
		fprintf(stderr, "kernel_lists: %s (%m)\n", message);
		return 1;
	}
	printf("load %.2f s\n", (double)(clock_steady() - begin) / 1e6);
	printf("resident_growth %.2f MB\n", (double)(resident() - before) / 1024);
	printf("intervals %zu\n", shards_count(policy, &signatures));
	return 0;
}

static int attach(const char *directory, const char *port)
{
	char message[MARKER_MESSAGE];
	struct marker *marker = marker_open(message);
	struct policy *policy = open_policy(directory);
	struct signatures signatures = { 0 };

	if (!marker || signatures_take(&signatures, policy) ||
	    marker_load(marker, &policy->compiled->ranges, &signatures, MARK) ||
	    marker_attach(marker, if_nametoindex(port), MARKER_DESTINATION))
		die(port);
	return 0;
}

/* The kernel carries each packet to its end before sendto() returns: processor time is the packet's. */
static int flood(const char *text, unsigned count)
{
	struct sockaddr_storage to;
	struct address address;
	struct rusage usage;
	int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (address_parse(&address, text) < 0 || descriptor < 0)
		die(text);
	address.port = 9;
	for (unsigned i = 0; i < count; i++) {
		struct address each = address;

		each.v4.s_addr = htonl(ntohl(address.v4.s_addr) + i % 4096);
		socklen_t length = address_to_socket(&each, AF_UNSPEC, &to);
		sendto(descriptor, "x", 1, 0, (struct sockaddr *)&to, length);
	}
	getrusage(RUSAGE_SELF, &usage);
	printf("nanoseconds %.0f\n",
	       ((double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e9 +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e3) / count);
	return 0;
}

int main(int argc, char **argv)
{
	bool floods = argc == 4 && strcmp(argv[1], "flood") == 0;
	unsigned count = argc == 4 ? (unsigned)strtoul(argv[floods ? 3 : 2], NULL, 10) : 0;

	if (!count)
		return fprintf(stderr, "usage: kernel_lists DIRECTORY COUNT write|bpf|find|nft|PORT, or kernel_lists flood ADDRESS COUNT\n"), 2;
	if (floods)
		return flood(argv[2], count);
	if (strcmp(argv[3], "write") == 0)
		return write_lists(argv[1], count), 0;
	if (strcmp(argv[3], "bpf") == 0)
		return measure_bpf(argv[1]);
	if (strcmp(argv[3], "find") == 0)
		return measure_find(argv[1]);
	return strcmp(argv[3], "nft") == 0 ? measure_nft(argv[1]) : attach(argv[1], argv[3]);
}
