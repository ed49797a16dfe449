/* Devices that are known by their host names: follows the DHCP server's files of leases. */
#pragma once

struct supervisor;

/* Once a second: when a file has changed and a device with it, the policy in force is parsed again with what the
 * file now says, and taken over like any other. */
void leasing_tick(struct supervisor *supervisor);
