/* The authority's certificate as the daemon shows it (the member "pem"), for devices and for
 * people. The certificate is public; its key never leaves the signer. */
#pragma once

#include "daemon/control/show.h"

/* Subject, dates, serial and fingerprint. */
void export_facts(struct show *show, const json_t *line);

/* PEM, as most systems take it; of the next authority as well, where there is one. */
void export_pem(struct show *show, const json_t *line);

/* DER, as Android and Windows take it; of the authority in use alone. */
void export_der(struct show *show, const json_t *line);

/* PKCS #12 with certificates and no key, and a configuration profile as Apple's devices take it. */
void export_p12(struct show *show, const json_t *line);
void export_mobileconfig(struct show *show, const json_t *line);
