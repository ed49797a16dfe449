/* Preloaded into headgated (LD_PRELOAD): lets one allocation of one process fail, which one a test says through a
 * file that both have mapped. glibc only: its allocator has names of its own. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* tests/proofs/starved.py writes and reads it in this order. */
struct order {
	_Atomic int64_t pid;	  /* whose allocations are counted; 0: nobody's */
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

static int fails(void)
{
	if (!order || !atomic_load(&order->pid) || atomic_load(&order->pid) != getpid() ||
	    atomic_fetch_sub(&order->left, 1) != 1)
		return 0;
	atomic_fetch_add(&order->failures, 1);
	errno = ENOMEM;
	return 1;
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
