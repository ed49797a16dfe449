/* What the daemon counts, as collectors read it. */
#pragma once

#include "daemon/control/tool.h"

/* Asks the daemon and prints the answer on standard output in the text format of Prometheus
 * (version 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/). Nothing is printed
 * unless the daemon gave all its answers. A STATUS_…, with the reason on stderr. */
int metrics_print(const struct tool *tool);
