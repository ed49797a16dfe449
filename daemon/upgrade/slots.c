#include "daemon/upgrade/slots.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/text.h"

#define RUNNING "/run/headgate-box/slot"
#define BOOT	"/boot"
#define ENTRIES BOOT "/loader/entries"

enum { ENTRY_SIZE = 4096 };

/* The whole of a small file as text; false when there is none. */
static bool read_text(const char *path, char *text, size_t size)
{
	int descriptor = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = descriptor < 0 ? -1 : read(descriptor, text, size - 1);

	if (descriptor >= 0)
		close(descriptor);
	text[length > 0 ? length : 0] = 0;
	return length > 0;
}

/* The device of a partition by its name in the partition table. */
static bool find_partition(const char *name, char device[static SLOT_PATH])
{
	char wanted[64], text[ENTRY_SIZE];
	bool found = false;
	glob_t paths;

	snprintf(wanted, sizeof(wanted), "PARTNAME=%s\n", name);
	if (glob("/sys/class/block/*/uevent", 0, NULL, &paths) != 0)
		return false;
	for (size_t i = 0; i < paths.gl_pathc && !found; i++) {
		const char *path = paths.gl_pathv[i];
		int length = (int)(strlen(path) - strlen("/sys/class/block/") - strlen("/uevent"));

		found = read_text(path, text, sizeof(text)) && strstr(text, wanted);
		if (found)
			snprintf(device, SLOT_PATH, "/dev/%.*s", length,
				 path + strlen("/sys/class/block/"));
	}
	globfree(&paths);
	return found;
}

bool slots_find(struct slots *slots)
{
	char text[ENTRY_SIZE], name[] = "root-?";

	if (!read_text(RUNNING, text, sizeof(text)) || (text[0] != 'a' && text[0] != 'b')) {
		fputs("headgatectl: this machine is no Headgate box: it has no slots to upgrade. "
		      "Where Headgate is a package, the package manager upgrades it\n",
		      stderr);
		return false;
	}
	slots->running = text[0];
	slots->other = text[0] == 'a' ? 'b' : 'a';
	name[5] = slots->other;
	slots->loader =
		read_text("/proc/cmdline", text, sizeof(text)) && strstr(text, "headgate.slot=");
	if (find_partition(name, slots->root) && find_partition("boot", slots->boot))
		return true;
	fprintf(stderr, "headgatectl: there is no partition %s or boot\n", name);
	return false;
}

int slots_open_boot(const struct slots *slots)
{
	return mount(slots->boot, BOOT, "vfat", MS_NODEV | MS_NOSUID | MS_NOEXEC | MS_SYNCHRONOUS,
		     "iocharset=ascii"); /* not every kernel has its own default built in */
}

int slots_close_boot(void)
{
	return umount(BOOT);
}

void slots_path(const struct slots *slots, const char *file, char path[static SLOT_PATH])
{
	snprintf(path, SLOT_PATH, BOOT "/headgate-%c/%s", slots->other, file);
}

static int sync_entries(void)
{
	int directory = open(ENTRIES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = directory < 0 ? -1 : fsync(directory);

	if (directory >= 0)
		close(directory);
	return result;
}

/* headgate-a.conf, headgate-a+2-1.conf */
static bool is_entry_of(const char *name, char slot)
{
	static const char start[] = "headgate-";

	return strncmp(name, start, strlen(start)) == 0 && name[strlen(start)] == slot &&
	       strchr("+.", name[strlen(start) + 1]);
}

int slots_forget(const struct slots *slots)
{
	DIR *entries = opendir(ENTRIES);
	const struct dirent *entry;
	int result = entries ? 0 : -1;

	while (entries && (entry = readdir(entries)))
		if (is_entry_of(entry->d_name, slots->other) &&
		    unlinkat(dirfd(entries), entry->d_name, 0) != 0)
			result = -1;
	if (entries)
		closedir(entries);
	return result == 0 ? sync_entries() : -1;
}

static bool read_running(const struct slots *slots, char *text)
{
	char pattern[SLOT_PATH];
	bool found = false;
	glob_t paths;

	snprintf(pattern, sizeof(pattern), ENTRIES "/headgate-%c[+.]*conf", slots->running);
	if (glob(pattern, 0, NULL, &paths) != 0)
		return false;
	for (size_t i = 0; i < paths.gl_pathc && !found; i++)
		found = read_text(paths.gl_pathv[i], text, ENTRY_SIZE);
	globfree(&paths);
	return found;
}

/* The value of a key in an entry; "" when it has none. */
static const char *value_of(const char *entry, const char *key, char value[static ENTRY_SIZE])
{
	size_t length = strlen(key);

	value[0] = 0;
	for (const char *line = entry; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, length) != 0 || line[length] != ' ')
			continue;
		line += length + strspn(line + length, " ");
		snprintf(value, ENTRY_SIZE, "%.*s", (int)strcspn(line, "\n"), line);
		break;
	}
	return value;
}

/* The running slot's options, whatever the owner has added, for the other slot. */
static void add_options(struct text *text, const char *entry, char other)
{
	char options[ENTRY_SIZE];
	char *slot = strstr(value_of(entry, "options", options), "headgate.slot=");

	if (slot)
		slot[strlen("headgate.slot=")] = other;
	text_addf(text, "options %s%s", options, slot ? "\n" : "");
	if (!slot)
		text_addf(text, " headgate.slot=%c\n", other);
}

static int write_entry(const char *path, const struct text *text)
{
	int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int result = -1;

	if (descriptor >= 0 && !text->full &&
	    write(descriptor, text->bytes, text->length) == (ssize_t)text->length)
		result = fsync(descriptor);
	if (descriptor >= 0)
		close(descriptor);
	return result;
}

int slots_offer(const struct slots *slots, const char *version)
{
	char running[ENTRY_SIZE], value[ENTRY_SIZE], storage[2 * ENTRY_SIZE], name[SLOT_PATH];
	char new_name[] = ENTRIES "/headgate.new";
	struct text text;

	if (!read_running(slots, running))
		running[0] = 0;
	text_begin(&text, storage, sizeof(storage));
	text_addf(&text, "title Headgate %s, slot %c\nversion %lu\nsort-key headgate\n", version,
		  slots->other, strtoul(value_of(running, "version", value), NULL, 10) + 1);
	text_addf(&text, "linux /headgate-%c/linux\ninitrd /headgate-%c/stage1\n", slots->other,
		  slots->other);
	add_options(&text, running, slots->other);
	snprintf(name, sizeof(name), ENTRIES "/headgate-%c+%d.conf", slots->other, SLOT_TRIES);
	if (write_entry(new_name, &text) != 0 || rename(new_name, name) != 0)
		return -1;
	return sync_entries();
}
