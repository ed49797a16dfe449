/* Giving up power, in layers: account, capabilities, no-new-privileges, limits, seccomp, Landlock. A
 * layer that the kernel does not have is a warning, never a silent gap. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct account {
	uid_t uid;
	gid_t gid;
	const char *name; /* static or the caller's */
};

/* Finds the account, or "nobody" when it does not exist (a build tree, a test): *fallback tells. -1 when
 * there is neither. */
int account_find(const char *name, struct account *account, bool *fallback);

/* Becomes the account for good, keeping only the capabilities in mask (bits as in <linux/capability.h>, in
 * permitted, effective and inheritable; the bounding set is emptied of all others), no supplementary groups,
 * no new privileges, not dumpable, no core files, files for itself alone (umask 0077). -1 with errno and a logged cause. */
int privilege_drop(const struct account *account, uint64_t capabilities);

enum privilege_role {
	ROLE_WORKER,
	ROLE_SIGNER,
	ROLE_RECORDER,
	ROLE_COMPILER,
	ROLE_PACKET,
	ROLE_FETCHER,
	ROLE_CONSOLE,
};

/* Locks the role's system calls (seccomp; a violation kills the process in release builds) and file system
 * (Landlock: nothing may be opened any more; ROLE_RECORDER and ROLE_COMPILER keep directory when not NULL,
 * ROLE_FETCHER may read in it). A missing
 * layer is warned about once. Does nothing under sanitizers. -1 when a layer failed though the kernel has
 * it. */
int privilege_confine(enum privilege_role role, const char *directory);

/* The same, and keeps several directories: a NULL-terminated list. One that is not there is not kept. */
int privilege_confine_but(enum privilege_role role, const char *const *directories);
