#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/supervisor/estate.h"
#include "daemon/supervisor/reload.h"
#include "daemon/supervisor/supervisor.h"
#include "daemon/tls/heap.h"

static const char usage_text[] =
	"usage: headgated --config FILE [--run-directory DIR] [--state-directory DIR] [--workers N]\n"
	"                 [--verbose]\n"
	"       headgated --version\n"
	"Stays in the foreground; says \"ready\" on stderr when traffic is redirected.\n"
	"SIGTERM ends it in order, SIGHUP reloads the policy, SIGUSR2 lets the program that\n"
	"lies on the disk take over without losing a connection.\n";

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "run-directory", required_argument, NULL, 'r' },
	{ "state-directory", required_argument, NULL, 's' },
	{ "workers", required_argument, NULL, 'w' },
	{ "trial", required_argument, NULL, 't' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

enum { USED_WRONGLY = 2 };

static void used_wrongly(const char *message, const char *word)
{
	fprintf(stderr, "headgated: %s%s%s\n%s", message, *word ? " " : "", word, usage_text);
	exit(USED_WRONGLY);
}

static unsigned parse_workers(const char *text)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (*end || number < 1 || number > WORKERS_MAX)
		used_wrongly("--workers takes a number from 1 to 64, not", text);
	return (unsigned)number;
}

static unsigned processors(void)
{
	long number = sysconf(_SC_NPROCESSORS_ONLN);

	if (number < 1)
		return 1;
	return number < WORKERS_MAX ? (unsigned)number : WORKERS_MAX;
}

/* Asked by a running headgated of the program that shall succeed it: whether it can. */
static int try_policy(const struct supervisor_settings *settings, const char *version)
{
	struct policy *policy;

	if (atoi(version) != ESTATE_VERSION) {
		log_error("version %s of what is left to the next program is unknown to headgated "
			  VERSION "; it takes over at the next start", version);
		return 1;
	}
	policy = policy_load(settings->config, NULL);
	policy_release(policy);
	return policy ? 0 : 1;
}

/* Where this program lies; a package that is upgraded puts the next one there. */
static const char *own_file(char path[static PATH_MAX])
{
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);

	path[length > 0 ? length : 0] = '\0';
	return path;
}

int main(int argc, char **argv)
{
	struct supervisor_settings settings = {
		.run_directory = "/run/headgate",
		.state_directory = "/var/lib/headgate",
		.workers = processors(),
	};
	const char *trial = NULL;
	char program[PATH_MAX];
	int option;

	log_name("headgated", "");
	/* Whatever we are started with: what we make has the mode that it is made with. */
	umask(0022);
	if (heap_begin() < 0)
		log_warning("memory of OpenSSL cannot be wiped");
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			settings.config = optarg;
			break;
		case 'r':
			settings.run_directory = optarg;
			break;
		case 's':
			settings.state_directory = optarg;
			break;
		case 'w':
			settings.workers = parse_workers(optarg);
			break;
		case 't':
			trial = optarg;
			break;
		case 'v':
			log_set_level(LOG_LEVEL_DEBUG);
			break;
		case 'V':
			puts("headgated " VERSION);
			return 0;
		case 'h':
			fputs(usage_text, stdout);
			return 0;
		case ':':
			used_wrongly("a value is missing behind", argv[optind - 1]);
			break;
		default:
			used_wrongly("there is no option", argv[optind - 1]);
		}
	}
	if (optind < argc)
		used_wrongly("nothing is taken without --, such as", argv[optind]);
	if (!settings.config)
		used_wrongly("--config FILE is missing", "");
	if (trial)
		return try_policy(&settings, trial);
	if (geteuid() != 0) {
		fprintf(stderr, "headgated: it has to be started as root: it loads firewall rules "
				"and then gives its privileges up\n");
		return 1;
	}
	settings.program = own_file(program);
	settings.arguments = argv;
	return supervisor_run(&settings);
}
