#include "daemon/control/box.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/control/check.h"
#include "daemon/control/tool.h"
#include "daemon/policy/policy.h"
#include "daemon/text.h"

enum { PART_SIZE = 16384, PATH_SIZE = 4096 };

static void print_ports(const struct policy *policy, struct text *text)
{
	box_print_ports(&policy->box, text);
}

static void print_wan(const struct policy *policy, struct text *text)
{
	box_print_wan(&policy->box, text);
}

static void print_login(const struct policy *policy, struct text *text)
{
	box_print_login(&policy->box, text);
}

static void print_prefix(const struct policy *policy, struct text *text)
{
	box_print_prefix(&policy->box, text);
}

static void print_names(const struct policy *policy, struct text *text)
{
	box_print_names(&policy->box, text);
}

static void print_clocks(const struct policy *policy, struct text *text)
{
	box_print_clocks(&policy->box, text);
}

static const struct part {
	const char *file;
	void (*print)(const struct policy *policy, struct text *text);
	mode_t mode;
} parts[] = {
	{ "ports", print_ports, 0644 },
	{ "wan", print_wan, 0644 },
	{ "pppd", print_login, 0600 },
	{ "dhcpcd.conf", print_prefix, 0644 },
	{ "dnsmasq.conf", print_names, 0644 },
	{ "ntpd.conf", print_clocks, 0644 },
	{ "firewall.nft", box_print_firewall, 0644 },
};

/* A file that is there already keeps nothing of what it was, its mode included. */
static int write_new(const char *path, mode_t mode, const struct text *text)
{
	if (unlink(path) != 0 && errno != ENOENT)
		return -1;
	int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (descriptor < 0)
		return -1;
	ssize_t written = write(descriptor, text->bytes, text->length);
	if (close(descriptor) != 0 || written < 0)
		return -1;
	errno = ENOSPC;
	return (size_t)written == text->length ? 0 : -1;
}

/* A reader finds the old file or the new one. */
static int write_part(const char *directory, const struct part *part, const struct policy *policy)
{
	char path[PATH_SIZE], new_path[PATH_SIZE], storage[PART_SIZE];
	struct text text;

	text_begin(&text, storage, sizeof(storage));
	part->print(policy, &text);
	errno = ENAMETOOLONG;
	if (text.full ||
	    snprintf(path, sizeof(path), "%s/%s", directory, part->file) >= PATH_SIZE ||
	    snprintf(new_path, sizeof(new_path), "%s/%s.new", directory, part->file) >= PATH_SIZE ||
	    write_new(new_path, part->mode, &text) != 0 || rename(new_path, path) != 0) {
		fprintf(stderr, "headgatectl: %s/%s cannot be written: %s\n", directory, part->file,
			strerror(errno));
		return STATUS_NO;
	}
	return STATUS_DONE;
}

int box_write(const struct tool *tool)
{
	struct policy *policy = check_read(tool);
	int status = policy ? STATUS_DONE : STATUS_NO;

	if (policy && !policy->box.given) {
		fprintf(stderr, "headgatectl: %s has no section \"box\"\n", tool->words[0]);
		status = STATUS_NO;
	}
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts) && status == STATUS_DONE; i++)
		status = write_part(tool->words[1], &parts[i], policy);
	policy_release(policy);
	return status;
}
