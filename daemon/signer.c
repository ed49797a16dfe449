#include "daemon/signer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/child.h"
#include "daemon/clock.h"
#include "daemon/descriptors.h"
#include "daemon/log.h"
#include "daemon/name.h"
#include "daemon/privilege.h"
#include "daemon/tls/authority.h"
#include "daemon/tls/heap.h"
#include "daemon/tls/issue.h"
#include "daemon/tls/leaf.h"

#define MILLION INT64_C(1000000)

enum {
	SECURE_HEAP_SIZE = 65536,
	SECURE_HEAP_MIN = 32,
	LEAVES_PER_SECOND = 200, /* and channel */
	LEAVES_AT_ONCE = 400,
	REQUESTS_PER_TURN = 16,
};

/* One worker's pair, with its allowance in millionths of a leaf. */
struct channel {
	int64_t allowance;
	int64_t filled; /* steady microseconds */
	const char *const *names; /* all that it may have; NULL: any */
};

struct signer {
	const struct signer_settings *settings;
	struct authority *authority;
	bool covered; /* the authority's own constraints hold all of settings->never */
	struct channel *channels;
	struct pollfd *watched; /* fd -1: that pair is closed; behind them the signals */
	size_t open;
	bool ending;
};

/* Listeners, netlink, the workers' ends: the supervisor has much that is not our business. */
static void close_others(const struct signer_settings *settings)
{
	int *kept = calloc(settings->channel_count + 1, sizeof(*kept));

	if (!kept)
		log_fatal("out of memory");
	memcpy(kept, settings->channels, settings->channel_count * sizeof(*kept));
	kept[settings->channel_count] = settings->ready;
	descriptors_close_others(kept, settings->channel_count + 1);
	free(kept);
}

static int make_parents(const char *directory)
{
	char path[PATH_MAX];
	char *slash = path;

	if (strlen(directory) >= sizeof(path))
		return -1;
	strcpy(path, directory);
	while ((slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return -1;
		*slash = '/';
	}
	return 0;
}

static int give_directory(const char *directory, const struct account *account)
{
	int fd, result;

	if (make_parents(directory) < 0 || (mkdir(directory, 0700) < 0 && errno != EEXIST))
		return -1;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	result = fchown(fd, account->uid, account->gid);
	close(fd);
	return result;
}

/* Done with root's power, before it is given up: an account may not make its own home in /var. */
static void give_directories(const struct signer_settings *settings)
{
	struct account account;
	bool fallback;

	if (geteuid() != 0 || account_find(settings->account, &account, &fallback) < 0)
		return;
	if (give_directory(settings->directory, &account) < 0)
		log_fatal("%s cannot be made for %s: %s", settings->directory, account.name,
			  strerror(errno));
	if (settings->next && give_directory(settings->next, &account) < 0)
		log_error("%s cannot be made for %s: %s", settings->next, account.name,
			  strerror(errno));
}

static bool covers(const struct authority *authority, const struct signer_settings *settings)
{
	for (size_t i = 0; i < settings->never_count; i++)
		if (!authority_excludes(authority, settings->never[i].name)) {
			log_warning("`never` has names, like %s, that the authority was not made "
				    "with: they are refused, but clients cannot check it",
				    settings->never[i].name);
			return false;
		}
	return true;
}

/* It waits until every device knows it; only its certificate leaves the directory. */
static void make_next(const struct signer_settings *settings)
{
	if (settings->next && !authority_exists(settings->next) &&
	    authority_create(settings->next, settings->never, settings->never_count) == 0)
		log_info("the next authority is in %s: give its certificate to the devices "
			 "(headgatectl authority export) before you make it `directory`",
			 settings->next);
}

static struct authority *open_authority(const struct signer_settings *settings)
{
	struct authority *authority;

	if (!authority_exists(settings->directory) &&
	    authority_create(settings->directory, settings->never, settings->never_count) < 0)
		exit(EXIT_FAILURE);
	authority = authority_open(settings->directory);
	if (!authority)
		exit(EXIT_FAILURE);
	return authority;
}

/* Lets the libraries load whatever they load on first use while there is still a file system. */
static void rehearse(const struct authority *authority)
{
	struct issue_request request = { .name = "rehearsal.invalid", .not_after = INT64_MAX };
	struct issue_reply reply;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	unsigned char *der = NULL;
	int length = key ? i2d_PUBKEY(key, &der) : 0;

	if (length > 0 && length <= ISSUE_KEY_MAX) {
		request.key_length = (uint16_t)length;
		memcpy(request.key, der, (size_t)length);
		leaf_issue(authority, &request, time(NULL), &reply);
	}
	OPENSSL_free(der);
	EVP_PKEY_free(key);
}

static bool take_allowance(struct channel *channel)
{
	int64_t now = clock_steady();

	channel->allowance += (now - channel->filled) * LEAVES_PER_SECOND;
	channel->filled = now;
	if (channel->allowance > LEAVES_AT_ONCE * MILLION)
		channel->allowance = LEAVES_AT_ONCE * MILLION;
	if (channel->allowance < MILLION)
		return false;
	channel->allowance -= MILLION;
	return true;
}

static bool is_never(const struct signer *signer, const char *name)
{
	const struct signer_settings *settings = signer->settings;

	for (size_t i = 0; !signer->covered && i < settings->never_count; i++)
		if (name_matches(name, NAME_TREE, settings->never[i].name))
			return true;
	return false;
}

static void refuse(const struct issue_request *request, enum issue_answer answer,
		   struct issue_reply *reply)
{
	static struct log_limit limit;

	memset(reply, 0, sizeof(*reply));
	reply->id = request->id;
	reply->answer = answer;
	log_warning_limited(&limit,
			    "a worker asked for too many leaves, or for one it may not have");
}

/* Who serves the owner's own page needs no leaf for anybody else. */
static bool may_have(const struct channel *channel, const char *name)
{
	const char *const *each = channel->names;

	while (each && *each && strcmp(*each, name) != 0)
		each++;
	return !each || *each;
}

static void decide(const struct signer *signer, struct channel *channel,
		   const struct issue_request *request, struct issue_reply *reply)
{
	if (!take_allowance(channel))
		refuse(request, ISSUE_BUSY, reply);
	else if (issue_request_check(request, sizeof(*request)) < 0)
		refuse(request, ISSUE_BAD_REQUEST, reply);
	else if (is_never(signer, request->name) || !may_have(channel, request->name))
		refuse(request, ISSUE_NEVER, reply);
	else
		leaf_issue(signer->authority, request, time(NULL), reply);
}

/* A message of another size is no request at all and gets no answer. */
static void serve(const struct signer *signer, struct channel *channel, int fd)
{
	struct issue_request request;
	struct issue_reply reply;

	for (int i = 0; i < REQUESTS_PER_TURN; i++) {
		ssize_t length = recv(fd, &request, sizeof(request), MSG_DONTWAIT | MSG_TRUNC);

		if (length < 0)
			return;
		if (length != (ssize_t)sizeof(request))
			continue;
		decide(signer, channel, &request, &reply);
		/* A worker that does not read asks again later. */
		send(fd, &reply, sizeof(reply), MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

/* An empty message reads like an end of stream; only POLLHUP means one. */
static void turn(struct signer *signer)
{
	size_t count = signer->settings->channel_count;

	if (poll(signer->watched, count + 1, -1) < 0)
		return;
	signer->ending = child_must_end(signer->watched[count].fd);
	for (size_t i = 0; i < count; i++) {
		struct pollfd *watched = &signer->watched[i];

		if (watched->revents & (POLLHUP | POLLNVAL)) {
			watched->fd = -1;
			signer->open--;
		} else if (watched->revents) {
			serve(signer, &signer->channels[i], watched->fd);
		}
	}
}

static int open_channels(struct signer *signer, int signals)
{
	size_t count = signer->settings->channel_count;

	signer->channels = calloc(count, sizeof(*signer->channels));
	signer->watched = calloc(count + 1, sizeof(*signer->watched));
	if (!signer->channels || !signer->watched)
		return -1;
	for (size_t i = 0; i < count; i++) {
		signer->watched[i].fd = signer->settings->channels[i];
		signer->watched[i].events = POLLIN;
		signer->channels[i].allowance = LEAVES_AT_ONCE * MILLION;
		signer->channels[i].filled = clock_steady();
	}
	signer->channels[count - 1].names = signer->settings->last_names;
	signer->watched[count] = (struct pollfd){ .fd = signals, .events = POLLIN };
	signer->open = count;
	return 0;
}

void signer_run(const struct signer_settings *settings)
{
	struct signer signer = { .settings = settings };
	int signals;

	close_others(settings);
	signals = child_open_signals();
	/* Key bytes then live in locked pages that no core dump holds; where the kernel allows
	 * less, the account, the mode and PR_SET_DUMPABLE still stand. */
	heap_wipe();
	CRYPTO_secure_malloc_init(SECURE_HEAP_SIZE, SECURE_HEAP_MIN);
	give_directories(settings);
	if (child_become(settings->account, 0) < 0)
		exit(EXIT_FAILURE);
	signer.authority = open_authority(settings);
	make_next(settings);
	signer.covered = covers(signer.authority, settings);
	rehearse(signer.authority);
	if (signals < 0 || open_channels(&signer, signals) < 0)
		log_fatal("the signer cannot start: %s", strerror(errno));
	if (privilege_confine(ROLE_SIGNER, NULL) < 0)
		exit(EXIT_FAILURE);
	child_say_ready(settings->ready);
	while (signer.open > 0 && !signer.ending)
		turn(&signer);
	_exit(0);
}
