/* The smallest words of the policy file, from YAML values into numbers, names and addresses. Each
 * reports what is wrong at the value and then answers false. */
#pragma once

#include "daemon/policy/grammar.h"

/* An address or prefix; set host bits are told with what was probably meant. */
bool scalar_prefix(struct reading *reading, const struct keyword *keyword, struct value value,
		   struct prefix *prefix);

/* A host name, "*.name" or ".name". *name receives the canonical text, owned by the caller. */
bool scalar_name(struct reading *reading, const struct keyword *keyword, struct value value,
		 enum name_pattern_kind *kind, char **name);

/* A number from least to most, in decimal. */
bool scalar_number(struct reading *reading, const struct keyword *keyword, struct value value,
		   uint32_t range[static 2], uint32_t *number);

/* "16 MB", "512 KiB", "4096": bytes. */
bool scalar_size(struct reading *reading, const struct keyword *keyword, struct value value,
		 uint64_t *bytes);

/* "10 s", "500 ms", "5 m", "24h", "7 d", "10" (seconds): microseconds. */
bool scalar_duration(struct reading *reading, const struct keyword *keyword, struct value value,
		     uint64_t *microseconds);

/* A name that the owner gives to a list, device, upstream: letters, digits, - _ . */
bool scalar_is_label(const char *text);

/* True when text may name a port of the gateway (a network interface). */
bool scalar_is_port_name(const char *text);
