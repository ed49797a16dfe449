#include "daemon/upgrade/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "daemon/upgrade/image.h"
#include "daemon/upgrade/seal.h"
#include "daemon/upgrade/slots.h"

#define KEY_FILE    "/usr/share/headgate/image.pem"
#define TARGET_FILE "/usr/share/headgate/target"

enum { PIECE = 65536 };

/* One upgrade: where it comes from and where it goes. */
struct upgrade {
	int input;
	struct slots slots;
	struct image image;
	char head[IMAGE_HEAD_MAX + PIECE];
	size_t head_length;
	size_t early; /* bytes of the parts that were read with the head */
};

__attribute__((format(printf, 1, 2))) static int refuse(const char *format, ...)
{
	va_list arguments;

	fputs("headgatectl: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputs("; the running system is as it was\n", stderr);
	return -1;
}

static int read_head(struct upgrade *upgrade)
{
	size_t length = 0;
	ssize_t got = 1;

	while (got > 0 && length < IMAGE_HEAD_MAX && upgrade->head_length == 0) {
		got = read(upgrade->input, upgrade->head + length, IMAGE_HEAD_MAX - length);
		length += got > 0 ? (size_t)got : 0;
		upgrade->head_length = image_head_length(upgrade->head, length);
	}
	if (!upgrade->head_length ||
	    !image_parse(&upgrade->image, upgrade->head, upgrade->head_length))
		return refuse("this is no Headgate image");
	upgrade->early = length - upgrade->head_length;
	return 0;
}

/* What the box itself is, as its image says. */
static bool is_for_here(const char *target)
{
	char here[IMAGE_WORD] = "";
	FILE *file = fopen(TARGET_FILE, "re");
	bool same = file && fscanf(file, "%63s", here) == 1 && strcmp(here, target) == 0;

	if (file)
		fclose(file);
	return same;
}

static int judge(const struct upgrade *upgrade)
{
	struct utsname kernel;

	if (!seal_holds(&upgrade->image, upgrade->head, KEY_FILE))
		return refuse("nothing was written");
	if (!is_for_here(upgrade->image.target))
		return refuse("the image is for another kind of machine: %s",
			      upgrade->image.target);
	/* Where no boot loader chooses the kernel, an image's own is never started. */
	if (!upgrade->slots.loader && uname(&kernel) == 0 &&
	    strcmp(kernel.release, upgrade->image.kernel) != 0)
		return refuse("this machine is started with a kernel from outside, and the image "
			      "needs another: %s",
			      upgrade->image.kernel);
	return 0;
}

static ssize_t take(struct upgrade *upgrade, char *piece, size_t most)
{
	if (upgrade->early == 0)
		return read(upgrade->input, piece, most);
	if (most > upgrade->early)
		most = upgrade->early;
	memcpy(piece, upgrade->head + upgrade->head_length, most);
	upgrade->head_length += most;
	upgrade->early -= most;
	return (ssize_t)most;
}

static bool write_all(int descriptor, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t written = write(descriptor, bytes, length);

		if (written <= 0)
			return false;
		bytes += written;
		length -= (size_t)written;
	}
	return true;
}

static int copy_part(struct upgrade *upgrade, enum image_part part, int output,
		     struct digest *digest)
{
	uint64_t left = upgrade->image.size[part];
	char piece[PIECE];

	while (left > 0) {
		ssize_t got = take(upgrade, piece, left < PIECE ? (size_t)left : PIECE);

		if (got <= 0)
			return refuse("the image ends too early");
		if (!digest_add(digest, piece, (size_t)got) ||
		    !write_all(output, piece, (size_t)got))
			return refuse("the slot cannot be written: %s", strerror(errno));
		left -= (uint64_t)got;
	}
	if (fsync(output) != 0)
		return refuse("the slot cannot be written: %s", strerror(errno));
	if (!digest_is(digest, upgrade->image.digest[part]))
		return refuse("the image was damaged on its way");
	return 0;
}

static int write_part(struct upgrade *upgrade, enum image_part part, const char *path)
{
	struct digest *digest = digest_new();
	int output = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	int result = -1;

	if (!digest || output < 0)
		refuse("the slot cannot be written: %s", strerror(errno));
	else
		result = copy_part(upgrade, part, output, digest);
	/* A block device keeps its size; a shorter kernel leaves nothing of the old one. */
	if (result == 0 && part != IMAGE_ROOT)
		result = ftruncate(output, (off_t)upgrade->image.size[part]);
	if (output >= 0)
		close(output);
	digest_free(digest);
	return result;
}

static int write_parts(struct upgrade *upgrade)
{
	char path[SLOT_PATH];

	if (slots_forget(&upgrade->slots) != 0)
		return refuse("the boot partition cannot be written: %s", strerror(errno));
	slots_path(&upgrade->slots, "linux", path);
	if (write_part(upgrade, IMAGE_LINUX, path) != 0)
		return -1;
	slots_path(&upgrade->slots, "stage1", path);
	if (write_part(upgrade, IMAGE_STAGE1, path) != 0 ||
	    write_part(upgrade, IMAGE_ROOT, upgrade->slots.root) != 0)
		return -1;
	if (slots_offer(&upgrade->slots, upgrade->image.version) != 0)
		return refuse("the boot partition cannot be written: %s", strerror(errno));
	return 0;
}

static int install(struct upgrade *upgrade)
{
	int result;

	if (!slots_find(&upgrade->slots) || read_head(upgrade) != 0 || judge(upgrade) != 0)
		return -1;
	if (slots_open_boot(&upgrade->slots) != 0)
		return refuse("the boot partition cannot be mounted: %s", strerror(errno));
	result = write_parts(upgrade);
	if (slots_close_boot() != 0 && result == 0)
		result = refuse("the boot partition cannot be unmounted: %s", strerror(errno));
	if (result == 0)
		printf("Headgate %s lies in slot %c. The next start tries it; if it does not "
		       "serve, slot %c "
		       "comes back.\n",
		       upgrade->image.version, upgrade->slots.other, upgrade->slots.running);
	return result;
}

int upgrade_from(const char *file)
{
	struct upgrade *upgrade = calloc(1, sizeof(*upgrade));
	int result = -1;

	if (!upgrade)
		return 1;
	upgrade->input = strcmp(file, "-") == 0 ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
	if (upgrade->input < 0)
		fprintf(stderr, "headgatectl: %s cannot be read: %s\n", file, strerror(errno));
	else
		result = install(upgrade);
	if (upgrade->input > STDIN_FILENO)
		close(upgrade->input);
	free(upgrade);
	return result == 0 ? 0 : 1;
}
