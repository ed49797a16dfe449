/* The quotas of devices, from the policy into the kernel, and what was used of them into STATE/quotas. The kernel
 * forgets when the power fails, so the file is written while the gateway runs, too, but seldom: flash wears. */
#pragma once

#include "netfilter/quota_book.h"
#include "netfilter/quotas.h"

enum { RATIONING_MESSAGE = QUOTAS_MESSAGE + 64 };

struct supervisor;

struct rationing {
	struct quota_book book;	  /* as last heard from the kernel */
	struct quota_book stored; /* what the file says */
	int64_t written;	  /* steady microseconds; 0: not yet */
};

/* Reads what the file says. */
void rationing_begin(struct supervisor *supervisor);

/* Sees to the policy's quotas, also when midnight has passed: then nobody has used anything. Writes the file when a
 * device has used another quarter of its quota, at most once in an hour, or all of it. 0, or -1 with a sentence in
 * message. */
int rationing_load(struct supervisor *supervisor, char message[static RATIONING_MESSAGE]);

/* Takes the quotas out of the kernel and writes the file for the next start on the same day. */
void rationing_end(struct supervisor *supervisor);

/* Frees what was remembered. */
void rationing_forget(struct rationing *rationing);
