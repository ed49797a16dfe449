#include "daemon/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/log.h"

int account_find(const char *name, struct account *account, bool *fallback)
{
	const struct passwd *entry = getpwnam(name);

	*fallback = !entry;
	if (!entry) {
		name = "nobody";
		entry = getpwnam(name);
	}
	if (!entry)
		return -1;
	*account = (struct account){ .uid = entry->pw_uid, .gid = entry->pw_gid, .name = name };
	return 0;
}

/* Ends at the first number that the kernel does not know: the last capability is not in our
 * headers. */
static int drop_bounding(uint64_t keep)
{
	for (unsigned capability = 0; capability < 64; capability++) {
		if (keep >> capability & 1)
			continue;
		if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
			return errno == EINVAL ? 0 : -1;
	}
	return 0;
}

static int set_capabilities(uint64_t mask)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		uint32_t word = (uint32_t)(mask >> 32 * i);

		data[i] = (struct __user_cap_data_struct){ word, word, word };
	}
	return (int)syscall(SYS_capset, &header, data);
}

static int become(const struct account *account)
{
	if (setgroups(0, NULL) < 0 || setresgid(account->gid, account->gid, account->gid) < 0)
		return -1;
	return setresuid(account->uid, account->uid, account->uid);
}

/* The leak checker of a sanitized build attaches to its own process. */
static int hide_memory(void)
{
	struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return -1;
#ifdef SANITIZED
	return 0;
#else
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

int privilege_drop(const struct account *account, uint64_t capabilities)
{
	const char *step = "bounding set";

	if (drop_bounding(capabilities) < 0 || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		goto failed;
	step = "account";
	if (become(account) < 0)
		goto failed;
	step = "capabilities";
	if (set_capabilities(capabilities) < 0 || prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
		goto failed;
	step = "no new privileges";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		goto failed;
	/* After the change of account, which makes a process dumpable again. */
	step = "core files";
	if (hide_memory() < 0)
		goto failed;
	umask(0077);
	return 0;
failed:
	log_error("cannot give up privileges (%s, account %s): %m", step, account->name);
	return -1;
}

#ifdef SANITIZED

int privilege_confine(enum privilege_role role, const char *directory)
{
	(void)role;
	(void)directory;
	return 0;
}

int privilege_confine_but(enum privilege_role role, const char *const *directories)
{
	(void)role;
	(void)directories;
	return 0;
}

#else

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

static const char *const packet[] = { "epoll_ctl", "epoll_pwait", "epoll_wait",
				      "poll",	   "ppoll",	  "setsockopt", NULL };

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
	"_llseek",     "bind",	  "clock_nanosleep", "connect",	    "eventfd2",	  "faccessat",
	"faccessat2",  "access",  "fstatfs",	     "ftruncate",   "ftruncate64", "getegid",     "getegid32",
	"geteuid",     "geteuid32", "getgid", "getgid32", "getuid32",  "getpeername",     "getsockname", "getsockopt", "getuid",
	"lseek",       "newfstatat", "open",	     "openat",	     "pipe2",	    "poll",	  "ppoll",
	"pread64",     "readlink", "readlinkat",     "recvmmsg",    "sendmmsg",	  "setsockopt",
	"clock_nanosleep_time64", "fstatat64", "fstatfs64", "ppoll_time64", "recvmmsg_time64", "stat64",
	"sigaltstack", "socketpair", "stat",	     "statx",	    "uname",	  "writev",
	NULL,
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
};

static bool keeps_directory(enum privilege_role role)
{
	return role == ROLE_RECORDER || role == ROLE_COMPILER || role == ROLE_FETCHER;
}

/* The number of a call; -1 when this machine lacks it. On machines whose C library once made all
 * socket calls through one system call (i386, MIPS), libseccomp answers with numbers of its own, by
 * which it would allow that one as well; our C library makes them directly. */
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
		{ "recvmsg", __NR_recvmsg },
		{ "sendmsg", __NR_sendmsg },
		{ "sendto", __NR_sendto },
		{ "setsockopt", __NR_setsockopt },
		{ "shutdown", __NR_shutdown },
		{ "socket", __NR_socket },
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
	/* libseccomp for MIPS sees the old common call in it, where arguments cannot be told apart.
	 */
	if (result == -EEXIST)
		result = 0;
	return result;
}

static int fill(scmp_filter_ctx filter, enum privilege_role role)
{
	int result = add_all(filter, SCMP_ACT_ALLOW, everyone);

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

static int confine_calls(enum privilege_role role)
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

/* Landlock as in Documentation/userspace-api/landlock.rst. The kernel may be newer than our
 * headers, so the numbers stand here. */

enum {
	LANDLOCK_VERSION_FLAG = 1,
	LANDLOCK_PATH_BENEATH = 1,

	FILE_WRITE = 1 << 1,
	FILE_READ = 1 << 2,
	DIRECTORY_READ = 1 << 3,
	FILE_REMOVE = 1 << 5,
	FILE_MAKE = 1 << 8,
	FILE_TRUNCATE = 1 << 14,
	DIRECTORY_ACCESS =
		FILE_WRITE | FILE_READ | DIRECTORY_READ | FILE_REMOVE | FILE_MAKE | FILE_TRUNCATE,

	NETWORK_ALL = 3, /* bind and connect of TCP */
	SCOPED_ALL = 3,	 /* abstract sockets and signals of other processes */
};

struct landlock_attribute {
	uint64_t files;
	uint64_t network;
	uint64_t scoped;
};

struct landlock_path {
	uint64_t access;
	int32_t directory;
} __attribute__((packed));

/* Access to files that a Landlock version can forbid, and the size of its attribute. */
static uint64_t known_files(int version)
{
	static const unsigned char bits[] = { 0, 13, 14, 15, 15, 16 };
	size_t last = sizeof bits - 1;

	return (UINT64_C(1) << bits[(size_t)version < last ? (size_t)version : last]) - 1;
}

static size_t attribute_size(int version)
{
	if (version >= 6)
		return sizeof(struct landlock_attribute);
	if (version >= 4)
		return offsetof(struct landlock_attribute, scoped);
	return offsetof(struct landlock_attribute, network);
}

static int allow_path(int ruleset, const char *path, uint64_t access)
{
	struct landlock_path beneath = { .access = access };
	int result;

	beneath.directory = open(path, O_PATH | O_CLOEXEC);
	if (beneath.directory < 0)
		return errno == ENOENT ? 0 : -1;
	result = (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_PATH_BENEATH, &beneath, 0);
	close(beneath.directory);
	return result;
}

/* Where the system keeps the names of its name servers elsewhere, /etc only points there. */
static int allow_reading(int ruleset, const char *directory)
{
	int result = allow_path(ruleset, directory, FILE_READ | DIRECTORY_READ);

	if (result == 0 && access("/etc/resolv.conf", R_OK) == 0)
		result = allow_path(ruleset, "/etc/resolv.conf", FILE_READ);
	return result;
}

static int confine_files(enum privilege_role role, const char *const *directories)
{
	int version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION_FLAG);
	struct landlock_attribute attribute = { .scoped = SCOPED_ALL };
	int ruleset, result = 0;

	if (version < 1) {
		log_warning(
			"this kernel has no Landlock: files are protected by the account alone");
		return 0;
	}
	attribute.files = known_files(version);
	if (role != ROLE_WORKER && role != ROLE_FETCHER)
		attribute.network = NETWORK_ALL;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attribute, attribute_size(version), 0);
	if (ruleset < 0)
		return -1;
	if (role == ROLE_FETCHER)
		result = allow_reading(ruleset, directories[0]);
	for (; role != ROLE_FETCHER && keeps_directory(role) && *directories && result == 0; directories++)
		result = allow_path(ruleset, *directories, DIRECTORY_ACCESS & attribute.files);
	if (result == 0)
		result = (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
	close(ruleset);
	return result;
}

int privilege_confine_but(enum privilege_role role, const char *const *directories)
{
	if (confine_files(role, directories) < 0) {
		log_error("cannot close the file system (Landlock): %m");
		return -1;
	}
	if (confine_calls(role) < 0) {
		log_error("cannot restrict system calls (seccomp): %m");
		return -1;
	}
	return 0;
}

int privilege_confine(enum privilege_role role, const char *directory)
{
	const char *const directories[] = { directory, NULL };

	return privilege_confine_but(role, directories);
}

#endif
