#include "daemon/supervisor/estate.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/log.h"

static const char variable[] = "HEADGATE_ESTATE";

void estate_begin(struct estate *estate)
{
	memset(estate, 0, sizeof(*estate));
	estate->lock = -1;
	estate->asker = -1;
	estate->sightings = -1;
}

/* Leaving */

static json_t *descriptors_json(const int *descriptors, unsigned count)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < count; i++)
		json_array_append_new(array, json_integer(descriptors[i]));
	return array;
}

static json_t *doors_json(const struct doors *doors)
{
	json_t *array = json_array();

	for (size_t i = 0; i < doors->count; i++) {
		const struct door *door = &doors->doors[i];

		json_array_append_new(array,
				      json_pack("{s:s, s:i, s:o}", "name", door->name, "port", door->port,
						"listeners", descriptors_json(door->fds, doors->workers)));
	}
	return array;
}

static json_t *elders_json(const struct elders *elders)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < elders->count; i++) {
		const struct elder *elder = &elders->elder[i];

		json_array_append_new(array,
				      json_pack("{s:i, s:i, s:I}", "pid", (int)elder->pid, "orders",
						elder->orders, "until", (json_int_t)elder->until));
	}
	return array;
}

static json_t *estate_json(const struct estate *estate)
{
	const struct doors *doors = &estate->doors;
	unsigned datagrams = doors->datagram_port ? doors->workers : 0;

	return json_pack("{s:i, s:i, s:i, s:b, s:i, s:o, s:i, s:o, s:o, s:o, s:i}", "version", ESTATE_VERSION,
			 "lock", estate->lock, "asker", estate->asker, "transparent",
			 estate->method == CAPTURE_TPROXY, "workers", (int)doors->workers, "doors",
			 doors_json(doors), "datagram_port", doors->datagram_port, "datagrams",
			 descriptors_json(doors->datagrams, datagrams), "elders",
			 elders_json(&estate->elders), "packet", elders_json(&estate->packet),
			 "sightings", estate->sightings);
}

static void mark(int descriptor, int flags)
{
	if (descriptor >= 0)
		fcntl(descriptor, F_SETFD, flags);
}

static void mark_elders(const struct elders *elders, int flags)
{
	for (unsigned i = 0; i < elders->count; i++)
		mark(elders->elder[i].orders, flags);
}

static void mark_all(const struct estate *estate, int flags)
{
	const struct doors *doors = &estate->doors;

	mark(estate->lock, flags);
	mark(estate->asker, flags);
	mark(estate->sightings, flags);
	for (unsigned worker = 0; worker < doors->workers; worker++) {
		for (size_t i = 0; i < doors->count; i++)
			mark(doors->doors[i].fds[worker], flags);
		if (doors->datagram_port)
			mark(doors->datagrams[worker], flags);
	}
	mark_elders(&estate->elders, flags);
	mark_elders(&estate->packet, flags);
}

/* Where the text lies; the next program closes it. -1 with errno. */
static int write_text(const struct estate *estate)
{
	json_t *json = estate_json(estate);
	int file = memfd_create("estate", 0);
	int saved;

	if (file >= 0 && json && json_dumpfd(json, file, JSON_COMPACT) == 0) {
		json_decref(json);
		return file;
	}
	saved = json ? errno : ENOMEM;
	if (file >= 0)
		close(file);
	json_decref(json);
	errno = saved;
	return -1;
}

int estate_leave(const struct estate *estate)
{
	int file = write_text(estate);
	char number[16];

	if (file < 0)
		return -1;
	snprintf(number, sizeof(number), "%d", file);
	if (setenv(variable, number, 1) < 0) {
		close(file);
		return -1;
	}
	mark_all(estate, 0);
	return 0;
}

void estate_keep(const struct estate *estate)
{
	const char *number = getenv(variable);

	mark_all(estate, FD_CLOEXEC);
	if (number)
		close(atoi(number));
	unsetenv(variable);
}

/* Taking */

static bool is_open(int descriptor)
{
	return descriptor > STDERR_FILENO && fcntl(descriptor, F_GETFD) >= 0;
}

static bool read_descriptors(const json_t *array, int *descriptors, size_t count)
{
	if (json_array_size(array) != count)
		return false;
	for (size_t i = 0; i < count; i++) {
		descriptors[i] = (int)json_integer_value(json_array_get(array, i));
		if (!is_open(descriptors[i]))
			return false;
	}
	return true;
}

static bool read_door(json_t *json, struct door *door, unsigned workers)
{
	const char *name;
	json_t *listeners;
	int port;

	if (json_unpack(json, "{s:s, s:i, s:o}", "name", &name, "port", &port, "listeners",
			&listeners) < 0 ||
	    strlen(name) >= sizeof(door->name))
		return false;
	strcpy(door->name, name);
	door->port = (uint16_t)port;
	for (unsigned i = 0; i < WORKERS_MAX; i++)
		door->fds[i] = -1;
	return read_descriptors(listeners, door->fds, workers);
}

static bool read_doors(const json_t *array, struct doors *doors)
{
	if (json_array_size(array) > LAN_PORTS_MAX)
		return false;
	for (size_t i = 0; i < json_array_size(array); i++) {
		if (!read_door(json_array_get(array, i), &doors->doors[i], doors->workers))
			return false;
		doors->count++;
	}
	return true;
}

static bool read_elders(const json_t *array, struct elders *elders)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		int pid, orders;
		json_int_t until;

		if (json_unpack(json_array_get(array, i), "{s:i, s:i, s:I}", "pid", &pid, "orders",
				&orders, "until", &until) < 0 ||
		    pid <= 0 || !is_open(orders) || !elders_add(elders, pid, orders, until))
			return false;
	}
	return true;
}

static bool read_estate(json_t *json, struct estate *estate)
{
	struct doors *doors = &estate->doors;
	json_t *door_array, *datagrams, *elders, *packet;
	int version, lock, transparent, workers, port;

	if (json_unpack(json, "{s:i, s:i, s:i, s:b, s:i, s:o, s:i, s:o, s:o, s:o, s?i}", "version", &version,
			"lock", &lock, "asker", &estate->asker, "transparent", &transparent,
			"workers", &workers, "doors", &door_array, "datagram_port", &port,
			"datagrams", &datagrams, "elders", &elders, "packet", &packet, "sightings",
			&estate->sightings) < 0)
		return false;
	if (!is_open(estate->sightings))
		estate->sightings = -1;
	if (version != ESTATE_VERSION || workers < 1 || workers > WORKERS_MAX || !is_open(lock))
		return false;
	estate->lock = lock;
	estate->method = transparent ? CAPTURE_TPROXY : CAPTURE_REDIRECT;
	doors->workers = (unsigned)workers;
	doors->datagram_port = (uint16_t)port;
	return read_doors(door_array, doors) &&
	       read_descriptors(datagrams, doors->datagrams, port ? doors->workers : 0) &&
	       read_elders(elders, &estate->elders) && read_elders(packet, &estate->packet);
}

bool estate_take(struct estate *estate)
{
	const char *number = getenv(variable);
	int file = number ? atoi(number) : -1;
	json_t *json;
	bool taken;

	estate_begin(estate);
	if (!number)
		return true;
	unsetenv(variable);
	json = lseek(file, 0, SEEK_SET) == 0 ? json_loadfd(file, 0, NULL) : NULL;
	close(file);
	taken = json && read_estate(json, estate);
	json_decref(json);
	if (taken) {
		mark_all(estate, FD_CLOEXEC);
		return true;
	}
	log_error("what the program before has left cannot be taken over");
	estate_begin(estate);
	return false;
}
