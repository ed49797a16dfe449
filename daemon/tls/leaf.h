/* The leaf certificate, exactly as docs/architecture.md promises: P-256 key, SAN = the requested
 * name alone, CA:FALSE, digitalSignature, serverAuth, AKI, SHA-256, random serial, dates inside the
 * origin's, the authority's and 24 hours; nothing else is copied. Runs in the signer. */
#pragma once

#include "daemon/tls/authority.h"
#include "daemon/tls/issue.h"

/* Builds and signs; writes DER into reply->leaf and sets answer. now: seconds since 1970. Never
 * fails otherwise. `never` is enforced from the authority's own name constraints. */
void leaf_issue(const struct authority *authority, const struct issue_request *request, int64_t now,
		struct issue_reply *reply);
