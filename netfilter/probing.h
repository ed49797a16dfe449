/* A probe in a process beside this one. It waits for the kernel most of its time: whoever starts has
 * other things to do meanwhile. */
#pragma once

#include <sys/types.h>

#include "netfilter/probe.h"

struct probing {
	pid_t child; /* 0: none */
	int answer;
};

/* Begins probe_run(). Where no process can be made, probing_end() does it all. */
void probing_begin(struct probing *probing, const struct policy *policy);

/* Waits for what it found. */
void probing_end(struct probing *probing, struct probe *probe, const struct policy *policy);

/* Ends it: nobody wants to know any more. Also fine when none is under way. */
void probing_abandon(struct probing *probing);
