/* `headgatectl box`: the section `box` of a policy file as configuration of the parts that do its
 * work. */
#pragma once

struct tool;

/* Writes ports, wan, dnsmasq.conf and firewall.nft of the policy file tool->words[0] into the
 * directory tool->words[1], each whole or not at all. Says what is wrong. Returns the exit status.
 */
int box_write(const struct tool *tool);
