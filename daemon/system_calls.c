#include "daemon/system_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/log.h"

/* System calls by name: one that this machine lacks (epoll_wait on arm64, mmap2 on amd64) is
 * skipped. */

static const char *const everyone[] = {
	"brk",
	"clock_gettime",
	"clock_gettime64",
	"close",
	"exit",
	"exit_group",
	"fcntl",
	"fcntl64",
	"fstat",
	"fstat64",
	"futex",
	"futex_time64",
	"getpid",
	"getrandom",
	"gettimeofday",
	"madvise",
	"mremap",
	"munmap",
	"read",
	"recvfrom",
	"recvmsg",
	"recv",
	"restart_syscall",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"send",
	"sendmsg",
	"sendto",
	"sigreturn",
	"sysinfo",
	"write",
	NULL,
};

#ifdef __NR_poll
#define POLL "poll"
#else
#define POLL "ppoll"
#endif

static const char *const worker[] = {
	POLL,	      "accept4",     "bind",	    "connect",	  "epoll_ctl", "epoll_pwait",
	"epoll_wait", "getpeername", "getsockname", "getsockopt", "pipe2",     "setsockopt",
	"shutdown",   "splice",	     "writev",	    NULL,
};

static const char *const signer[] = { "epoll_ctl", "epoll_pwait", "epoll_wait",
				      "poll",	   "ppoll",	  NULL };

static const char *const packet[] = { "epoll_ctl", "epoll_pwait", "epoll_wait", "poll",
				      "ppoll",	   "setsockopt",  NULL };

/* It accepts, and makes no connection but to processes it is introduced to. */
static const char *const console[] = {
	"accept4",     "epoll_ctl",   "epoll_pwait", "epoll_wait", "getpeername", "getsockname",
	"getsockopt",  "poll",	      "ppoll",	     "setsockopt", "shutdown",	  "writev",
	NULL,
};

static const char *const recorder[] = {
	"_llseek",	  "accept4",
	"connect",	  "epoll_create1",
	"epoll_ctl",	  "epoll_pwait",
	"epoll_wait",	  "fchmod",
	"fdatasync",	  "fsync",
	"ftruncate",	  "ftruncate64",
	"statx",	  "timerfd_settime64",
	"getsockopt",	  "lseek",
	"newfstatat",	  "open",
	"openat",	  "poll",
	"pread64",	  "pwritev",
	"ppoll",	  "rename",
	"renameat",	  "renameat2",
	"setsockopt",	  "shutdown",
	"timerfd_create", "timerfd_settime",
	"unlink",	  "unlinkat",
	"writev",	  NULL,
};

static const char *const compiler[] = {
	"_llseek",
	"clock_nanosleep",
	"clock_nanosleep_time64",
	"fallocate",
	"ftruncate",
	"ftruncate64",
	"lseek",
	"nanosleep",
	"open",
	"openat",
	"pread64",
	"pwrite64",
	"unlink",
	"unlinkat",
	NULL,
};

/* libcurl, and the C library's questions for names. */
static const char *const fetcher[] = {
	"_llseek", "access", "bind", "clock_nanosleep", "clock_nanosleep_time64", "connect",
	"eventfd2", "faccessat", "faccessat2", "fstatat64", "fstatfs", "fstatfs64", "ftruncate",
	"ftruncate64", "getegid", "getegid32", "geteuid", "geteuid32", "getgid", "getgid32",
	"getpeername", "getsockname", "getsockopt", "getuid", "getuid32", "lseek", "newfstatat",
	"open", "openat", "pipe2", "poll", "ppoll", "ppoll_time64", "pread64", "readlink",
	"readlinkat", "recvmmsg", "recvmmsg_time64", "sendmmsg", "setsockopt", "sigaltstack",
	"socketpair", "stat", "stat64", "statx", "uname", "writev", NULL,
};

/* Libraries look for files now and then (time zone, messages, resolver). They get an answer, not
 * death. */
static const char *const no_files[] = { "access", "faccessat", "faccessat2", "lstat", "open",
					"openat", "readlink",  "readlinkat", "stat",  NULL };

static const char *const *const role_calls[] = {
	[ROLE_WORKER] = worker,
	[ROLE_SIGNER] = signer,
	[ROLE_RECORDER] = recorder,
	[ROLE_COMPILER] = compiler,
	[ROLE_PACKET] = packet,
	[ROLE_FETCHER] = fetcher,
	[ROLE_CONSOLE] = console,
};

static bool keeps_directory(enum privilege_role role)
{
	return role == ROLE_RECORDER || role == ROLE_COMPILER || role == ROLE_FETCHER;
}

/* The number of a call; -1 when this machine lacks it. Where one system call once made all socket
 * calls (i386, MIPS), libseccomp answers with numbers of its own; our C library makes them
 * directly. */
static int number_of(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} direct[] = {
		{ "accept4", __NR_accept4 },
		{ "bind", __NR_bind },
		{ "connect", __NR_connect },
		{ "getpeername", __NR_getpeername },
		{ "getsockname", __NR_getsockname },
		{ "getsockopt", __NR_getsockopt },
		{ "recvfrom", __NR_recvfrom },
		{ "recvmmsg", __NR_recvmmsg },
		{ "recvmsg", __NR_recvmsg },
		{ "sendmmsg", __NR_sendmmsg },
		{ "sendmsg", __NR_sendmsg },
		{ "sendto", __NR_sendto },
		{ "setsockopt", __NR_setsockopt },
		{ "shutdown", __NR_shutdown },
		{ "socket", __NR_socket },
		{ "socketpair", __NR_socketpair },
#ifdef __NR_send
		{ "recv", __NR_recv },
		{ "send", __NR_send },
#endif
	};
	int number = seccomp_syscall_resolve_name(name);

	for (size_t i = 0; i < sizeof direct / sizeof *direct && number < 0; i++)
		if (strcmp(direct[i].name, name) == 0)
			number = direct[i].number;
	return number < 0 ? -1 : number;
}

static int add(scmp_filter_ctx filter, uint32_t action, const char *name)
{
	int call = number_of(name);

	return call < 0 ? 0 : seccomp_rule_add(filter, action, call, 0);
}

static int add_all(scmp_filter_ctx filter, uint32_t action, const char *const *names)
{
	int result = 0;

	for (; *names && result == 0; names++)
		result = add(filter, action, *names);
	return result;
}

static struct scmp_arg_cmp masked(unsigned argument, uint64_t mask, uint64_t value)
{
	return (struct scmp_arg_cmp){ argument, SCMP_CMP_MASKED_EQ, mask, value };
}

static struct scmp_arg_cmp equals(unsigned argument, uint64_t value)
{
	return (struct scmp_arg_cmp){ argument, SCMP_CMP_EQ, value, 0 };
}

/* Adds a call under one condition on its arguments. */
static int add_if(scmp_filter_ctx filter, uint32_t action, const char *name,
		  struct scmp_arg_cmp condition)
{
	int call = number_of(name);

	return call < 0 ? 0 : seccomp_rule_add_array(filter, action, call, 1, &condition);
}

/* Memory may never become code. */
static int add_memory(scmp_filter_ctx filter, enum privilege_role role)
{
	static const char *const calls[] = { "mmap", "mmap2", "mprotect" };
	int result = 0;

	for (size_t i = 0; i < sizeof calls / sizeof *calls && result == 0; i++) {
		result = add_if(filter, SCMP_ACT_ALLOW, calls[i], masked(2, PROT_EXEC, 0));
		/* The C library may look for one more source of names, and does without. */
		if (result == 0 && role == ROLE_FETCHER)
			result = add_if(filter, SCMP_ACT_ERRNO(EACCES), calls[i],
					masked(2, PROT_EXEC, PROT_EXEC));
	}
	return result;
}

/* One with an empty path, by the argument that holds the flags; others get an answer, not death. */
static int add_descriptor_question(scmp_filter_ctx filter, const char *name, unsigned flags)
{
	int result =
		add_if(filter, SCMP_ACT_ALLOW, name, masked(flags, AT_EMPTY_PATH, AT_EMPTY_PATH));

	if (result == 0)
		result = add_if(filter, SCMP_ACT_ERRNO(EACCES), name,
				masked(flags, AT_EMPTY_PATH, 0));
	return result;
}

/* What looks like a question about a file but is one about a descriptor: fstat() of newer C
 * libraries, isatty(), the bytes that wait. */
static int add_questions(scmp_filter_ctx filter, enum privilege_role role)
{
	int result = 0;

	if (role != ROLE_RECORDER && role != ROLE_FETCHER) {
		result = add_descriptor_question(filter, "newfstatat", 3);
		/* fstat() of 32-bit C libraries. */
		if (result == 0 && sizeof(long) == 4)
			result = add_descriptor_question(filter, "statx", 2);
		else if (result == 0)
			result = add(filter, SCMP_ACT_ERRNO(EACCES), "statx");
	}
	if (result == 0 && (role == ROLE_WORKER || role == ROLE_FETCHER))
		result = add_if(filter, SCMP_ACT_ALLOW, "ioctl", equals(1, FIONREAD));
	if (result == 0 && role == ROLE_WORKER) /* if_nametoindex() */
		result = add_if(filter, SCMP_ACT_ALLOW, "ioctl", equals(1, SIOCGIFINDEX));
	if (result == 0)
		result = add_if(filter, SCMP_ACT_ERRNO(ENOTTY), "ioctl", equals(1, TCGETS));
	return result;
}

static int add_socket(scmp_filter_ctx filter, unsigned family, unsigned type)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, number_of("socket"), 2, equals(0, family),
				masked(1, ~(unsigned)(SOCK_NONBLOCK | SOCK_CLOEXEC), type));
}

/* No raw and no packet socket, whatever capabilities are held. */
static int add_sockets(scmp_filter_ctx filter, enum privilege_role role)
{
	static const struct {
		enum privilege_role role;
		unsigned family;
		unsigned type;
	} allowed[] = {
		{ ROLE_WORKER, AF_INET, SOCK_STREAM },	{ ROLE_WORKER, AF_INET6, SOCK_STREAM },
		{ ROLE_WORKER, AF_INET, SOCK_DGRAM },	{ ROLE_WORKER, AF_INET6, SOCK_DGRAM },
		{ ROLE_RECORDER, AF_UNIX, SOCK_DGRAM }, { ROLE_RECORDER, AF_UNIX, SOCK_STREAM },
		{ ROLE_FETCHER, AF_INET, SOCK_STREAM },	{ ROLE_FETCHER, AF_INET6, SOCK_STREAM },
		{ ROLE_FETCHER, AF_INET, SOCK_DGRAM },	{ ROLE_FETCHER, AF_INET6, SOCK_DGRAM },
		/* The C library asks the kernel which addresses the machine has. */
		{ ROLE_FETCHER, AF_NETLINK, SOCK_RAW },
	};
	int result = 0;

	for (size_t i = 0; i < sizeof allowed / sizeof *allowed && result == 0; i++)
		if (allowed[i].role == role)
			result = add_socket(filter, allowed[i].family, allowed[i].type);
	/* The C library asks for the names of network ports through a local socket. */
	if (result == 0 && (role == ROLE_WORKER || role == ROLE_FETCHER))
		result = add_if(filter, SCMP_ACT_ERRNO(EACCES), "socket", equals(0, AF_UNIX));
	if (result == 0 && role == ROLE_CONSOLE)
		result = add_if(filter, SCMP_ACT_ALLOW, "socketpair", equals(0, AF_UNIX));
	return result;
}

/* With each rule on a socket call libseccomp would add one on the old common call, whose arguments
 * lie in memory, out of a filter's sight: it would let pass what the rule forbids, and two rules
 * that differ only there would clash. A rule on the whole call comes before all those. */
static int refuse_common_call(scmp_filter_ctx filter)
{
	return add(filter, SCMP_ACT_ERRNO(ENOSYS), "socketcall");
}

static int fill(scmp_filter_ctx filter, enum privilege_role role)
{
	int result = refuse_common_call(filter);

	if (result == 0)
		result = add_all(filter, SCMP_ACT_ALLOW, everyone);
	if (result == 0)
		result = add_all(filter, SCMP_ACT_ALLOW, role_calls[role]);
	if (result == 0 && !keeps_directory(role))
		result = add_all(filter, SCMP_ACT_ERRNO(EACCES), no_files);
	if (result == 0)
		result = add_memory(filter, role);
	if (result == 0)
		result = add_questions(filter, role);
	if (result == 0)
		result = add_sockets(filter, role);
	return result;
}

/* The kernel's answer to a filter at address 0 tells whether it knows filters at all (seccomp(2)).
 */
static bool filters_known(void)
{
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0) < 0 && errno == EFAULT;
}

static void refused(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	log_error("system call %d is not among those of this role", info->si_syscall);
	_exit(EXIT_FAILURE);
}

/* A developer sees which call was refused with HEADGATE_SECCOMP=trap; it is refused all the same.
 */
static uint32_t refusal(void)
{
	const char *wish = secure_getenv("HEADGATE_SECCOMP");
	struct sigaction action = { .sa_sigaction = refused, .sa_flags = SA_SIGINFO };

	if (!wish || strcmp(wish, "trap") != 0)
		return SCMP_ACT_KILL_PROCESS;
	sigaction(SIGSYS, &action, NULL);
	return SCMP_ACT_TRAP;
}

int system_calls_lock(enum privilege_role role)
{
	scmp_filter_ctx filter;
	int result;

	if (!filters_known()) {
		log_warning("this kernel has no seccomp filters: system calls stay unrestricted");
		return 0;
	}
	filter = seccomp_init(refusal());
	if (!filter) {
		errno = ENOMEM;
		return -1;
	}
	result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (result == 0) /* a tree, not a list: the cost of a call does not grow with its place */
		result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (result == 0)
		result = fill(filter, role);
	if (result == 0)
		result = seccomp_load(filter);
	seccomp_release(filter);
	errno = -result;
	return result < 0 ? -1 : 0;
}
