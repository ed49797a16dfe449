#include "daemon/supervisor/console_token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/text.h"

enum { RANDOM_BYTES = 16 };

static bool is_token(const char *token)
{
	size_t length = strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789-._~+/=");

	return length >= CONSOLE_TOKEN_MIN && token[length] == '\0';
}

static ssize_t read_file(const char *path, char token[static CONSOLE_TOKEN_SIZE])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return -1;
	length = read(fd, token, CONSOLE_TOKEN_SIZE - 1);
	close(fd);
	token[length > 0 ? length : 0] = '\0';
	token[strcspn(token, "\r\n")] = '\0';
	return length;
}

static int write_file(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t length = (ssize_t)strlen(line);
	int result;

	if (fd < 0)
		return -1;
	result = write(fd, line, (size_t)length) == length && fsync(fd) == 0 ? 0 : -1;
	return close(fd) == 0 ? result : -1;
}

/* Whole or not at all: a power cut leaves no half a token. */
static int make(const char *path, char token[static CONSOLE_TOKEN_SIZE])
{
	uint8_t random[RANDOM_BYTES];
	char temporary[512];
	struct text text;

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random) ||
	    snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary))
		return -1;
	text_begin(&text, token, CONSOLE_TOKEN_SIZE);
	text_add_hex(&text, random, sizeof(random));
	text_add_char(&text, '\n');
	if (unlink(temporary) < 0 && errno != ENOENT)
		return -1;
	if (write_file(temporary, token) < 0 || rename(temporary, path) < 0)
		return -1;
	token[--text.length] = '\0';
	return 0;
}

int console_token_read(const char *directory, char token[static CONSOLE_TOKEN_SIZE])
{
	char path[500];

	if (snprintf(path, sizeof(path), "%s/console-token", directory) >= (int)sizeof(path))
		errno = ENAMETOOLONG;
	else if (read_file(path, token) >= 0 && is_token(token))
		return 0;
	else if (errno == ENOENT && make(path, token) == 0)
		return 0;
	if (access(path, F_OK) == 0 && !is_token(token))
		log_error("%s holds no token (%d letters and digits or more, in one line); remove it, "
			  "and a new one is made at the next reload",
			  path, CONSOLE_TOKEN_MIN);
	else
		log_error("%s cannot be read or made: %s", path, strerror(errno));
	return -1;
}
