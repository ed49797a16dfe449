/* What the supervisor answers about lists: which are in force, where something stands in them, and
 * that they be fetched now. */
#pragma once

#include "daemon/control/server.h"

control_command answer_lists, answer_search, answer_refresh;
