/* Preloaded into headgated (LD_PRELOAD): lets one allocation, or one call that wants something of the kernel, of one
 * process fail; which one a test says through a file that both have mapped. glibc only: its allocator has names of
 * its own. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* tests/proofs/starved.py writes and reads it in this order. */
enum what { ALLOCATIONS, REQUESTS };

struct order {
	_Atomic int64_t pid;	  /* whose calls are counted; 0: nobody's */
	_Atomic int64_t what;
	_Atomic int64_t left;	  /* so many until one fails */
	_Atomic int64_t failures; /* so far */
};

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static struct order *order;

/* Before main(): every child shares the mapping. */
__attribute__((constructor)) static void read_orders(void)
{
	const char *path = getenv("STARVE");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *mapped;

	if (fd < 0)
		return;
	mapped = mmap(NULL, sizeof(*order), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mapped != MAP_FAILED)
		order = mapped;
	close(fd);
}

static int fails_with(enum what what, int error)
{
	if (!order || !atomic_load(&order->pid) || atomic_load(&order->what) != (int64_t)what ||
	    atomic_load(&order->pid) != getpid() || atomic_fetch_sub(&order->left, 1) != 1)
		return 0;
	atomic_fetch_add(&order->failures, 1);
	errno = error;
	return 1;
}

static int fails(void)
{
	return fails_with(ALLOCATIONS, ENOMEM);
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t count, size_t size)
{
	if (size && count > SIZE_MAX / size) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, count * size);
}

int posix_memalign(void **made, size_t alignment, size_t size)
{
	void *memory = fails() ? NULL : __libc_memalign(alignment, size);

	if (memory)
		*made = memory;
	return memory ? 0 : ENOMEM;
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : __libc_memalign(alignment, size);
}

/* What the kernel may say no to. */

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
	return fails_with(REQUESTS, EMFILE)
		       ? -1
		       : (int)syscall(SYS_accept4, fd, address, length, flags);
}

int socket(int domain, int type, int protocol)
{
	return fails_with(REQUESTS, EMFILE) ? -1 : (int)syscall(SYS_socket, domain, type, protocol);
}

int bind(int fd, const struct sockaddr *address, socklen_t length)
{
	return fails_with(REQUESTS, EADDRINUSE) ? -1 : (int)syscall(SYS_bind, fd, address, length);
}

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
	return fails_with(REQUESTS, EADDRNOTAVAIL)
		       ? -1
		       : (int)syscall(SYS_connect, fd, address, length);
}

int getsockname(int fd, struct sockaddr *address, socklen_t *length)
{
	return fails_with(REQUESTS, ENOBUFS) ? -1
					     : (int)syscall(SYS_getsockname, fd, address, length);
}

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
	return operation == EPOLL_CTL_ADD && fails_with(REQUESTS, ENOSPC)
		       ? -1
		       : (int)syscall(SYS_epoll_ctl, epoll, operation, fd, event);
}

int pipe2(int ends[2], int flags)
{
	return fails_with(REQUESTS, ENFILE) ? -1 : (int)syscall(SYS_pipe2, ends, flags);
}
