#include "tests/unit/scarcity.h"

#ifndef SANITIZED
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *old);

static unsigned long left; /* allocations until one fails; 0: none fails */
static unsigned long failures;
static long alive;

static bool starved(void)
{
	if (!left || --left)
		return false;
	failures++;
	errno = ENOMEM;
	return true;
}

static void *count(void *made)
{
	if (made)
		alive++;
	return made;
}

void *malloc(size_t size)
{
	return starved() ? NULL : count(__libc_malloc(size));
}

void *calloc(size_t number, size_t size)
{
	return starved() ? NULL : count(__libc_calloc(number, size));
}

void *realloc(void *old, size_t size)
{
	void *made = starved() ? NULL : __libc_realloc(old, size);

	return old ? made : count(made);
}

void *reallocarray(void *old, size_t number, size_t size)
{
	return realloc(old, number * size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return starved() ? NULL : count(__libc_memalign(alignment, size));
}

void free(void *old)
{
	if (old)
		alive--;
	__libc_free(old);
}

void scarcity_begin(unsigned long n)
{
	failures = 0;
	left = n;
}

unsigned long scarcity_end(void)
{
	left = 0;
	return failures;
}

long scarcity_alive(void)
{
	return alive;
}
#endif
