/* Thousands of short connections through the gateway, both ends played by this program: random amounts, pauses,
 * buffers, half-closes, resets. Every byte is told from every other; an end for which nothing moves is a
 * failure. Prints what was wrong and one line of counts; status 1 when something was.
 *
 * usage: storm DEVICE-NAMESPACE SERVER-NAMESPACE ADDRESS CERTIFICATE KEY FIRST COUNT THREADS SECONDS
 * DEVICE-NAMESPACE and SERVER-NAMESPACE are files, "-" is our own. ADDRESS, at ports 7000 to 7004, is the
 * server's; CERTIFICATE and KEY are too. Runs FIRST to FIRST + COUNT - 1 are made, as far as they can
 * begin within SECONDS. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/storm/end.h"

enum { FIRST_PORT = 7000, BACKLOG = 1024, STACK_BYTES = 512 * 1024, LEAVING_SECONDS = 120 };

struct account {
	enum outcome outcome;
	size_t carried;
	int error;
	bool all_heard, refused, wrote_end;
	char wrong[160];
};

static struct {
	const char *device, *server;
	struct in_addr address;
	SSL_CTX *client_tls, *server_tls;
	uint64_t first, count;
	double deadline; /* for beginning a run */
	atomic_ullong next;
	atomic_int serving;
	struct account (*accounts)[2]; /* of every run: the client's, the server's */
	_Atomic double *moved; /* when, for every run */
	pthread_mutex_t lock;
} storm = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static double seconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void enter(const char *path)
{
	int fd;

	if (strcmp(path, "-") == 0)
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		die(path);
	close(fd);
}

static struct sockaddr_in address_of(enum way way)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)(FIRST_PORT + (int)way)),
				     .sin_addr = storm.address };
}

static _Atomic double *moved_at(uint64_t run)
{
	static _Atomic double elsewhere;

	return run - storm.first < storm.count ? &storm.moved[run - storm.first] : &elsewhere;
}

/* A request that is asked once more has two servers: what the better one saw counts. */
static void account(const struct end *end, enum outcome outcome)
{
	const struct talk *talk = end->talk;
	struct account *mine;

	if (!talk->known || talk->plan.run - storm.first >= storm.count)
		return;
	mine = &storm.accounts[talk->plan.run - storm.first][talk->who];
	pthread_mutex_lock(&storm.lock);
	if (mine->outcome == NOT_SEEN || outcome >= STUCK ||
	    (mine->outcome < STUCK && talk->all_heard)) {
		mine->outcome = outcome;
		mine->carried = end->carried;
		mine->error = end->error;
		mine->all_heard = talk->all_heard;
		mine->refused = talk->refused;
		mine->wrote_end = end->write_ended;
		memcpy(mine->wrong, talk->wrong, sizeof(mine->wrong));
	}
	pthread_mutex_unlock(&storm.lock);
}

/* The server's side */

struct call {
	int fd;
	enum way way;
};

static void *serve(void *argument)
{
	struct call call = *(struct call *)argument;
	const struct plan like = { .way = call.way };
	struct end *end = malloc(sizeof(*end));
	struct talk *talk = malloc(sizeof(*talk));
	SSL *ssl = NULL;

	free(argument);
	if (!end || !talk)
		die("malloc");
	talk_begin_server(talk, call.way);
	if (plan_is_tls(&like)) {
		ssl = SSL_new(storm.server_tls);
		SSL_set_fd(ssl, call.fd);
		SSL_set_accept_state(ssl);
	}
	end->run_moved_at = moved_at;
	account(end, end_run(end, talk, call.fd, ssl));
	free(end);
	free(talk);
	atomic_fetch_sub(&storm.serving, 1);
	return NULL;
}

static void start(void *(*run)(void *argument), void *argument)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	if (pthread_create(&thread, &attributes, run, argument) != 0)
		die("pthread_create");
	pthread_attr_destroy(&attributes);
}

static void *listen_for_ever(void *argument)
{
	struct call door = *(struct call *)argument;

	for (;;) {
		int fd = accept4(door.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		struct call *call;

		if (fd < 0)
			continue;
		call = malloc(sizeof(*call));
		if (!call)
			die("malloc");
		*call = (struct call){ .fd = fd, .way = door.way };
		atomic_fetch_add(&storm.serving, 1);
		start(serve, call);
	}
	return NULL;
}

static void *open_doors(void *unused)
{
	static struct call doors[WAYS];
	const int on = 1;

	enter(storm.server);
	for (enum way way = PASSED; way < WAYS; way++) {
		struct sockaddr_in address = address_of(way);
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		    listen(fd, BACKLOG) < 0)
			die("listen");
		doors[way] = (struct call){ .fd = fd, .way = way };
		start(listen_for_ever, &doors[way]);
	}
	return unused;
}

/* The client's side */

static int dial(const struct plan *plan)
{
	struct sockaddr_in address = address_of(plan->way);
	const int *rcvbuf = &plan->pace[CLIENT].rcvbuf;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	if (*rcvbuf)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, rcvbuf, sizeof(*rcvbuf));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -1;
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void visit(struct end *end, struct talk *talk, uint64_t run)
{
	struct plan plan;
	const char *name;
	SSL *ssl = NULL;
	int fd;

	plan_make(&plan, run);
	name = plan.way == INSPECTED ? "shop.example" : "good.example";
	talk_begin_client(talk, &plan);
	fd = dial(&plan);
	if (fd < 0) {
		*end = (struct end){ .talk = talk, .error = errno };
		account(end, UNREACHED);
		return;
	}
	if (plan.hesitation)
		usleep(plan.hesitation * 1000);
	if (plan_is_tls(&plan)) {
		ssl = SSL_new(storm.client_tls);
		SSL_set_fd(ssl, fd);
		SSL_set_tlsext_host_name(ssl, name);
		SSL_set_connect_state(ssl);
	}
	end->run_moved_at = moved_at;
	account(end, end_run(end, talk, fd, ssl));
}

static void *visit_on(void *unused)
{
	struct end *end = malloc(sizeof(*end));
	struct talk *talk = malloc(sizeof(*talk));
	uint64_t number;

	if (!end || !talk)
		die("malloc");
	enter(storm.device);
	while (seconds() < storm.deadline &&
	       (number = atomic_fetch_add(&storm.next, 1)) < storm.count)
		visit(end, talk, storm.first + number);
	free(end);
	free(talk);
	return unused;
}

/* Forgets the runs that did not begin. */
static void visit_all(size_t threads)
{
	pthread_t *visitors = calloc(threads, sizeof(*visitors));

	if (!visitors)
		die("calloc");
	for (size_t i = 0; i < threads; i++)
		if (pthread_create(&visitors[i], NULL, visit_on, NULL) != 0)
			die("pthread_create");
	for (size_t i = 0; i < threads; i++)
		pthread_join(visitors[i], NULL);
	free(visitors);
	if (atomic_load(&storm.next) < storm.count)
		storm.count = atomic_load(&storm.next);
	/* A server that reads slowly has much to read after its client has left; one that gets nothing
	 * ends by itself. */
	for (int i = 0; i < LEAVING_SECONDS * 20 && atomic_load(&storm.serving); i++)
		usleep(50000);
}

/* The judgement */

/* Why the run went wrong; NULL when it did not. */
static const char *judge(const struct plan *plan, const struct account accounts[2])
{
	const struct account *client = &accounts[CLIENT], *server = &accounts[SERVER];
	bool early = plan_is_http(plan) && (plan->answers_early || plan->pipelined);

	if (client->outcome >= STUCK)
		return "the client";
	if (server->outcome >= STUCK && plan->fault == NO_FAULT)
		return "the server";
	if (server->outcome == STUCK || server->outcome == WRONG)
		return "the server";
	if (plan->fault != NO_FAULT) {
		const struct account *other = &accounts[!plan->faulty];
		const struct account *faulty = &accounts[plan->faulty];

		if (plan->fault == RESETS && faulty->outcome == AT_FAULT && !plan_is_http(plan) &&
		    !faulty->wrote_end && other->outcome == ORDERLY)
			return "a reset became an orderly end";
		return NULL;
	}
	if (early && plan->answers_early)
		return NULL;
	if (client->refused)
		return "refused";
	/* Whoever has a whole answer need not wait until its server has said goodbye. */
	if (client->outcome != ORDERLY ||
	    (server->outcome != ORDERLY && !(plan_is_http(plan) && server->all_heard)))
		return "cut";
	return client->all_heard && server->all_heard ? NULL : "not all was heard";
}

static void tell_run(const struct plan *plan, const struct account accounts[2], const char *why)
{
	static const char *const ways[] = { "passed", "greeted", "passed TLS", "read", "inspected" };
	static const char *const faults[] = { "no fault", "resets", "leaves", "ends" };

	printf("run %llu (%s; %s%s at %zu): %s\n", (unsigned long long)plan->run, ways[plan->way],
	       plan->fault ? plan->faulty == CLIENT ? "client " : "server " : "",
	       faults[plan->fault], plan->fault_at, why);
	for (enum who who = CLIENT; who <= SERVER; who++)
		printf("    %s: %s after %zu bytes, %s%s%s\n", who == CLIENT ? "client" : "server",
		       outcome_word(accounts[who].outcome), accounts[who].carried,
		       accounts[who].all_heard ? "all heard " : "",
		       accounts[who].error ? strerror(accounts[who].error) : "",
		       accounts[who].wrong);
}

static int tell(void)
{
	size_t counts[UNREACHED + 1] = { 0 }, failures = 0;
	unsigned long long bytes = 0;

	for (uint64_t i = 0; i < storm.count; i++) {
		struct plan plan;
		const char *why;

		plan_make(&plan, storm.first + i);
		why = judge(&plan, storm.accounts[i]);
		counts[storm.accounts[i][CLIENT].outcome]++;
		bytes += storm.accounts[i][CLIENT].carried;
		if (why && failures++ < 20)
			tell_run(&plan, storm.accounts[i], why);
	}
	printf("%llu runs, %llu MB:", (unsigned long long)storm.count, bytes >> 20);
	for (enum outcome outcome = ORDERLY; outcome <= UNREACHED; outcome++)
		if (counts[outcome])
			printf(" %zu %s,", counts[outcome], outcome_word(outcome));
	printf(" %d servers left, %zu failed\n", atomic_load(&storm.serving), failures);
	return failures || atomic_load(&storm.serving) ? 1 : 0;
}

static void prepare_tls(const char *certificate, const char *key)
{
	storm.client_tls = SSL_CTX_new(TLS_client_method());
	storm.server_tls = SSL_CTX_new(TLS_server_method());
	if (!storm.client_tls || !storm.server_tls ||
	    SSL_CTX_use_certificate_chain_file(storm.server_tls, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(storm.server_tls, key, SSL_FILETYPE_PEM) != 1)
		die(certificate);
	SSL_CTX_set_mode(storm.client_tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_mode(storm.server_tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

int main(int argc, char **argv)
{
	pthread_t doors;

	if (argc != 10 || inet_pton(AF_INET, argv[3], &storm.address) != 1) {
		fprintf(stderr, "usage: storm DEVICE-NAMESPACE SERVER-NAMESPACE ADDRESS CERTIFICATE KEY "
				"FIRST COUNT THREADS SECONDS\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	storm.device = argv[1];
	storm.server = argv[2];
	prepare_tls(argv[4], argv[5]);
	storm.first = strtoull(argv[6], NULL, 10);
	storm.count = strtoull(argv[7], NULL, 10);
	storm.accounts = calloc(storm.count, sizeof(*storm.accounts));
	storm.moved = calloc(storm.count, sizeof(*storm.moved));
	if (!storm.accounts || !storm.moved)
		die("calloc");
	if (pthread_create(&doors, NULL, open_doors, NULL) != 0)
		die("pthread_create");
	pthread_join(doors, NULL);
	storm.deadline = seconds() + strtod(argv[9], NULL);
	visit_all(strtoul(argv[8], NULL, 10));
	fflush(stdout);
	return tell();
}
