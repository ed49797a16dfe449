/* What the supervisor answers on RUN/control. */
#pragma once

#include <sys/types.h>

struct control_server;
struct supervisor;

/* Opens the control socket's commands for the supervisor; members of group are served too. NULL when out of
 * memory. */
struct control_server *answers_open(struct supervisor *supervisor, gid_t group);

/* Opens, for the console, those commands that only tell, for who is introduced over the channel. NULL when out of
 * memory. */
struct control_server *answers_open_console(struct supervisor *supervisor, int channel);
