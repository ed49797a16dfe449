// link: daemon/tls/issue.c daemon/tls/leaf.c daemon/tls/der.c daemon/tls/authority.c daemon/tls/founding.c daemon/tls/keyfile.c daemon/tls/x509.c daemon/certificate.c daemon/text.c daemon/log.c daemon/name.c daemon/address.c -lcrypto
/* What a captured worker could send to the signer: whatever is accepted must be a canonical name,
 * and what is issued must be a certificate of a host and never of an authority. */
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/tls/issue.h"
#include "daemon/tls/leaf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct authority *make_authority(void)
{
	char directory[] = "/tmp/headgate-fuzz-XXXXXX";
	char path[64];
	struct authority *authority = NULL;

	if (mkdtemp(directory) && authority_create(directory, NULL, 0) == 0)
		authority = authority_open(directory);
	snprintf(path, sizeof(path), "%s/authority.key", directory);
	unlink(path);
	snprintf(path, sizeof(path), "%s/authority.pem", directory);
	unlink(path);
	rmdir(directory);
	return authority;
}

static void check_leaf(const struct issue_reply *reply)
{
	const unsigned char *der = reply->leaf;
	X509 *leaf = d2i_X509(NULL, &der, reply->leaf_length);

	if (!leaf || der != reply->leaf + reply->leaf_length || X509_check_ca(leaf) ||
	    X509_get_ext_count(leaf) != 5)
		abort();
	X509_free(leaf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct authority *authority;
	struct issue_request request;
	struct issue_reply reply;

	issue_reply_check(data, size);
	if (issue_request_check(data, size) < 0)
		return 0;
	memcpy(&request, data, sizeof(request));
	if (!memchr(request.name, '\0', sizeof(request.name)) || strpbrk(request.name, "*/ ,") ||
	    !request.name[0])
		abort();
	if (!authority)
		authority = make_authority();
	leaf_issue(authority, &request, 1800000000, &reply);
	if (issue_reply_check(&reply, sizeof(reply)) < 0)
		abort();
	if (reply.answer == ISSUE_DONE)
		check_leaf(&reply);
	return 0;
}
