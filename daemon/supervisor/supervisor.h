/* The supervisor: goes up the ladder (policy, self-check, doors, processes, redirect), watches, reloads, and
 * comes down the same ladder. Traffic is redirected last and released first. Root, as loading the table
 * and replacing processes needs it; reads nothing that comes from the network. */
#pragma once

#include "daemon/supervisor/supervision.h"

/* Runs until SIGTERM or SIGINT. The exit status: 0, or 1 with a logged cause. */
int supervisor_run(const struct supervisor_settings *settings);
