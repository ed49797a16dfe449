#include "tests/unit/signing.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/signer.h"

static char base[64];
static char directory[128];

void signing_begin(void)
{
	strcpy(base, "/tmp/headgate-signing-XXXXXX");
	assert_non_null(mkdtemp(base));
	assert_int_equal(chmod(base, 0755), 0);
	snprintf(directory, sizeof(directory), "%s/authority", base);
}

void signing_end(void)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/authority.key", directory);
	unlink(path);
	snprintf(path, sizeof(path), "%s/authority.pem", directory);
	unlink(path);
	rmdir(directory);
	rmdir(base);
}

const char *signing_directory(void)
{
	return directory;
}

static pid_t start(struct signer_settings settings, int *status)
{
	int ready[2];
	char byte;
	pid_t child;

	assert_int_equal(pipe(ready), 0);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		settings.directory = directory;
		settings.account = "headgate-ca";
		settings.ready = ready[1];
		signer_run(&settings);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1) {
		int ended;

		waitpid(child, &ended, 0);
		if (status)
			*status = ended;
		child = -1;
	} else {
		assert_int_equal(read(ready[0], &byte, 1),
				 0); /* it closes the pipe after its word */
	}
	close(ready[0]);
	return child;
}

pid_t signing_start(const int *channels, size_t count, const struct authority_constraint *never,
		    size_t never_count, int *status)
{
	return start((struct signer_settings){ .never = never,
					       .never_count = never_count,
					       .channels = channels,
					       .channel_count = count },
		     status);
}

pid_t signing_start_narrow(const int *channels, size_t count, const char *const *names)
{
	return start((struct signer_settings){ .channels = channels,
					       .channel_count = count,
					       .last_names = names },
		     NULL);
}

int signing_stop(pid_t signer, int signal_number)
{
	int status = -1;

	kill(signer, signal_number);
	waitpid(signer, &status, 0);
	return status;
}
