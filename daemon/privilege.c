#include "daemon/privilege.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/landlock.h"
#include "daemon/log.h"
#include "daemon/system_calls.h"

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

int privilege_confine_but(enum privilege_role role, const char *const *directories)
{
	(void)role;
	(void)directories;
	return 0;
}

#else

/* Where the system keeps the names of its name servers elsewhere, /etc only points there. */
static int close_files(enum privilege_role role, const char *const *directories)
{
	const char *names = access("/etc/resolv.conf", R_OK) == 0 ? "/etc/resolv.conf" : NULL;
	const char *const fetched[] = { directories[0], names, NULL };
	struct landlock_exceptions exceptions = { 0 };

	if (role == ROLE_WORKER || role == ROLE_FETCHER)
		exceptions.network = true;
	if (role == ROLE_FETCHER)
		exceptions.read = fetched;
	if (role == ROLE_RECORDER || role == ROLE_COMPILER)
		exceptions.written = directories;
	return landlock_close(&exceptions);
}

int privilege_confine_but(enum privilege_role role, const char *const *directories)
{
	if (close_files(role, directories) < 0) {
		log_error("cannot close the file system (Landlock): %m");
		return -1;
	}
	if (system_calls_lock(role) < 0) {
		log_error("cannot restrict system calls (seccomp): %m");
		return -1;
	}
	return 0;
}

#endif

int privilege_confine(enum privilege_role role, const char *directory)
{
	const char *const directories[] = { directory, NULL };

	return privilege_confine_but(role, directories);
}
