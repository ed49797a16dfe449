#include "daemon/supervisor/pulse.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Pages that it had to wait for since it began (proc(5), majflt of stat). */
static uint64_t faults_of(pid_t pid)
{
	char path[64], line[512];
	uint64_t faults = 0;
	const char *rest;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	rest = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
	if (rest && sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %" SCNu64, &faults) != 1)
		faults = 0;
	fclose(file);
	return faults;
}

bool pulse_stands(struct pulse *pulse, uint64_t heartbeat, pid_t pid)
{
	uint64_t faults;
	bool reads;

	if (heartbeat != pulse->heartbeat) {
		*pulse = (struct pulse){ .heartbeat = heartbeat };
		return false;
	}
	faults = faults_of(pid);
	reads = pulse->missed && faults != pulse->faults && pulse->reading < PULSE_READING_MAX;
	pulse->faults = faults;
	pulse->reading += reads;
	pulse->missed += !reads;
	if (pulse->missed < PULSE_MISSED_MAX)
		return false;
	*pulse = (struct pulse){ .heartbeat = heartbeat };
	return true;
}
