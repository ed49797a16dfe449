/* Tells whoever started us how far we are: systemd's notification socket (sd_notify(3)), when there is
 * one. */
#pragma once

/* state: "READY=1", "RELOADING=1", "STOPPING=1" … Does nothing without $NOTIFY_SOCKET. */
void notify_manager(const char *state);

/* That we are alive, for a manager that watches over it (WatchdogSec=); to be called more often than that. */
void notify_alive(void);
