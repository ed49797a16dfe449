// link: privilege daemon/log.c -lseccomp
#include "daemon/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { NET_RAW_MASK = 1 << CAP_NET_RAW, DIED = 1000 };

/* What a child does after it dropped and, mostly, was confined. Its result is its exit status. */
typedef int deed(void);

static char journal_directory[64];

static void lose(uint64_t capabilities)
{
	struct account account;
	bool fallback;

	if (account_find("headgate-test-has-no-such-account", &account, &fallback) < 0 ||
	    !fallback || privilege_drop(&account, capabilities) < 0)
		_exit(99);
}

static int wait_for(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? DIED + WTERMSIG(status) : WEXITSTATUS(status);
}

static int dropped(deed *act)
{
	pid_t child = fork();

	if (child == 0) {
		lose(NET_RAW_MASK);
		_exit(act());
	}
	return wait_for(child);
}

static int check_account(void)
{
	uid_t real, effective, saved;

	getresuid(&real, &effective, &saved);
	if (real == 0 || effective == 0 || saved == 0 || getgroups(0, NULL) != 0)
		return 1;
	return setuid(0) == 0 || setgid(0) == 0;
}

static int check_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) < 0)
		return 1;
	if (data[0].effective != NET_RAW_MASK || data[0].permitted != NET_RAW_MASK)
		return 2;
	if (data[1].effective || data[1].permitted || data[1].inheritable)
		return 3;
	for (int i = 0; i < 64; i++)
		if (i != CAP_NET_RAW && prctl(PR_CAPBSET_READ, i, 0, 0, 0) > 0)
			return 4;
	return 0;
}

static int check_hidden(void)
{
	struct rlimit core;

	getrlimit(RLIMIT_CORE, &core);
	if (core.rlim_cur || core.rlim_max || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 1;
#ifndef SANITIZED
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return 2;
#endif
	return 0;
}

static void test_account_is_found_or_replaced(void **state)
{
	struct account account;
	bool fallback = true;

	(void)state;
	assert_int_equal(account_find("daemon", &account, &fallback), 0);
	assert_false(fallback);
	assert_string_equal(account.name, "daemon");
	assert_int_not_equal(account.uid, 0);
	assert_int_equal(account_find("headgate-test-has-no-such-account", &account, &fallback), 0);
	assert_true(fallback);
	assert_string_equal(account.name, "nobody");
}

static void test_drop_changes_the_account_for_good(void **state)
{
	(void)state;
	assert_int_equal(dropped(check_account), 0);
}

static void test_drop_keeps_exactly_the_mask(void **state)
{
	(void)state;
	assert_int_equal(dropped(check_capabilities), 0);
}

static void test_drop_hides_memory(void **state)
{
	(void)state;
	assert_int_equal(dropped(check_hidden), 0);
}

#ifndef SANITIZED

enum {
	LAST_CALL = 470,
	URETPROBE = 335, /* these two never reach a filter: Linux 6.11, kernel/seccomp.c */
	UPROBE = 336,
};

static int confined(enum privilege_role role, deed *act)
{
	pid_t child = fork();

	if (child == 0) {
		lose(NET_RAW_MASK);
		if (privilege_confine(role, journal_directory) < 0)
			_exit(98);
		_exit(act());
	}
	return wait_for(child);
}

static int open_passwd(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0 ? errno : 0;
}

static int run_program(void)
{
	char *arguments[] = { (char *)"true", NULL };

	execv("/bin/true", arguments);
	return errno;
}

static int trace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ? errno : 0;
}

static int signal_parent(void)
{
	return kill(getppid(), 0) < 0 ? errno : 0;
}

static int raise_signal(void)
{
	return raise(SIGUSR1);
}

static int fork_child(void)
{
	return fork() < 0 ? errno : 0;
}

static int map_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	       MAP_FAILED;
}

static int make_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static int open_raw_socket(void)
{
	return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) < 0;
}

static int open_packet_socket(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0) < 0;
}

static int open_netlink_socket(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0) < 0;
}

static int open_tcp_socket(void)
{
	return socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) < 0;
}

/* A transparent socket is what the worker keeps CAP_NET_RAW for. */
static int do_workers_work(void)
{
	int one = 1;
	int tcp = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_in foreign = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(0xc6336401) };
	char *memory = malloc(1 << 22);
	int pipes[2];

	if (tcp < 0 || setsockopt(tcp, SOL_IP, IP_TRANSPARENT, &one, sizeof one) < 0 ||
	    bind(tcp, (struct sockaddr *)&foreign, sizeof foreign) < 0)
		return 1;
	if (!memory || pipe2(pipes, O_NONBLOCK | O_CLOEXEC) < 0)
		return 2;
	memset(memory, 1, 1 << 22);
	free(memory);
	if (write(pipes[1], "x", 1) != 1 || splice(pipes[0], NULL, pipes[1], NULL, 1, 0) >= 0)
		return 3;
	return isatty(pipes[0]) != 0 || errno != ENOTTY;
}

static int write_journal(void)
{
	char path[80], moved[96];
	int file;

	snprintf(path, sizeof path, "%s/journal", journal_directory);
	snprintf(moved, sizeof moved, "%s.1", path);
	file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (file < 0 || write(file, "line\n", 5) != 5 || fsync(file) < 0)
		return 1;
	if (rename(path, moved) < 0 || ftruncate(file, 0) < 0 || unlink(moved) < 0)
		return 2;
	return 0;
}

static void test_worker_works(void **state)
{
	(void)state;
	assert_int_equal(confined(ROLE_WORKER, do_workers_work), 0);
	assert_int_equal(confined(ROLE_WORKER, open_tcp_socket), 0);
}

static void test_worker_is_refused_files_but_lives(void **state)
{
	(void)state;
	assert_int_equal(confined(ROLE_WORKER, open_passwd), EACCES);
	assert_int_equal(confined(ROLE_SIGNER, open_passwd), EACCES);
}

static void test_worker_dies_of_a_forbidden_call(void **state)
{
	static deed *const deeds[] = { run_program,  trace,	      signal_parent,
				       raise_signal, fork_child,      map_code,
				       make_code,    open_raw_socket, open_packet_socket,
				       open_netlink_socket };

	(void)state;
	for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++) {
		assert_int_equal(confined(ROLE_WORKER, deeds[i]), DIED + SIGSYS);
		assert_int_equal(confined(ROLE_SIGNER, deeds[i]), DIED + SIGSYS);
		assert_int_equal(confined(ROLE_RECORDER, deeds[i]), DIED + SIGSYS);
	}
}

static void test_signer_has_no_network(void **state)
{
	(void)state;
	assert_int_equal(confined(ROLE_SIGNER, open_tcp_socket), DIED + SIGSYS);
	assert_int_equal(confined(ROLE_RECORDER, open_tcp_socket), DIED + SIGSYS);
}

static void test_recorder_keeps_its_directory_alone(void **state)
{
	(void)state;
	assert_int_equal(confined(ROLE_RECORDER, write_journal), 0);
	assert_int_equal(confined(ROLE_RECORDER, open_passwd),
			 syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0 ? EACCES : 0);
}

/* Harmless arguments: a call that is let through fails at once. Those that would end or hang the
 * child say nothing about the filter and count as allowed. */
static bool is_allowed(long call)
{
	pid_t child = fork();
	int result;

	if (child == 0) {
		signal(SIGSEGV, SIG_DFL); /* a stray rt_sigreturn() is not the test's failure */
		signal(SIGILL, SIG_DFL);
		lose(0);
		if (privilege_confine(ROLE_WORKER, NULL) < 0)
			_exit(98);
		_exit(syscall(call, -1L, -1L, -1L, AT_EMPTY_PATH, -1L, -1L) < 0 && errno == EACCES);
	}
	result = wait_for(child);
	return result != DIED + SIGSYS && result != 1;
}

/* Calls that are allowed with some arguments only die of the ones above. */
static void test_worker_has_at_most_45_calls(void **state)
{
	static const long conditional[] = { SYS_mmap, SYS_mprotect, SYS_socket, SYS_ioctl };
	unsigned count = sizeof conditional / sizeof *conditional;

	(void)state;
	for (size_t i = 0; i < sizeof conditional / sizeof *conditional; i++)
		assert_false(is_allowed(conditional[i]));
	for (long call = 0; call < LAST_CALL; call++)
		count += call != URETPROBE && call != UPROBE && is_allowed(call);
	print_message("# the worker may make %u system calls\n", count);
	assert_in_range(count, 30, 45);
}

#endif

static int make_directory(void **state)
{
	(void)state;
	strcpy(journal_directory, "/tmp/privilege_test.XXXXXX");
	return !mkdtemp(journal_directory) || chown(journal_directory, 65534, 65534) < 0;
}

static int remove_directory(void **state)
{
	(void)state;
	return rmdir(journal_directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_account_is_found_or_replaced),
		cmocka_unit_test(test_drop_changes_the_account_for_good),
		cmocka_unit_test(test_drop_keeps_exactly_the_mask),
		cmocka_unit_test(test_drop_hides_memory),
#ifndef SANITIZED
		cmocka_unit_test(test_worker_works),
		cmocka_unit_test(test_worker_is_refused_files_but_lives),
		cmocka_unit_test(test_worker_dies_of_a_forbidden_call),
		cmocka_unit_test(test_signer_has_no_network),
		cmocka_unit_test(test_recorder_keeps_its_directory_alone),
		cmocka_unit_test(test_worker_has_at_most_45_calls),
#endif
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (geteuid() != 0) {
		puts("1..0 # SKIP needs root");
		return 0;
	}
	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
