#include "daemon/packet/quic.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

enum { HASH = 32, TAG = 16, SAMPLE = 16, NUMBER_MAX = 4 };

/* Salt and labels of a version: RFC 9001 section 5.2, RFC 9369 section 3.3. */
struct version {
	uint32_t number;
	uint8_t salt[20];
	const char *key;
	const char *iv;
	const char *mask;
};

static const struct version versions[] = {
	{ QUIC_VERSION_1,
	  { 0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
	    0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a },
	  "quic key",
	  "quic iv",
	  "quic hp" },
	{ QUIC_VERSION_2,
	  { 0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
	    0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9 },
	  "quicv2 key",
	  "quicv2 iv",
	  "quicv2 hp" },
};

static const struct version *find_version(uint32_t number)
{
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (versions[i].number == number)
			return &versions[i];
	return NULL;
}

/* HKDF-Expand-Label (RFC 8446 section 7.1) of at most one hash: a single round of HMAC. */
static bool expand(const uint8_t secret[static HASH], const char *label, uint8_t *out,
		   size_t length)
{
	uint8_t info[64], hash[HASH];
	size_t label_length = strlen(label);
	size_t end = 0;

	info[end++] = 0;
	info[end++] = (uint8_t)length;
	info[end++] = (uint8_t)(6 + label_length);
	memcpy(info + end, "tls13 ", 6);
	memcpy(info + end + 6, label, label_length);
	end += 6 + label_length;
	info[end++] = 0; /* no context */
	info[end++] = 1; /* first round of HKDF-Expand (RFC 5869) */
	if (!HMAC(EVP_sha256(), secret, HASH, info, end, hash, NULL))
		return false;
	memcpy(out, hash, length);
	return true;
}

bool quic_keys_derive(struct quic_keys *keys, uint32_t version, struct span destination_id)
{
	const struct version *known = find_version(version);
	uint8_t initial[HASH], client[HASH];

	return known &&
	       HMAC(EVP_sha256(), known->salt, sizeof(known->salt), destination_id.bytes,
		    destination_id.length, initial, NULL) &&
	       expand(initial, "client in", client, HASH) &&
	       expand(client, known->key, keys->key, sizeof(keys->key)) &&
	       expand(client, known->iv, keys->iv, sizeof(keys->iv)) &&
	       expand(client, known->mask, keys->mask, sizeof(keys->mask));
}

/* RFC 9001 section 5.4.3: five bytes that hide the packet number and its length. */
static bool make_mask(EVP_CIPHER_CTX *context, const struct quic_keys *keys, const uint8_t *sample,
		      uint8_t mask[static SAMPLE])
{
	int length;

	return EVP_EncryptInit_ex(context, EVP_aes_128_ecb(), NULL, keys->mask, NULL) == 1 &&
	       EVP_CIPHER_CTX_set_padding(context, 0) == 1 &&
	       EVP_EncryptUpdate(context, mask, &length, sample, SAMPLE) == 1 && length == SAMPLE;
}

/* A nonce is the IV, its last bytes mixed with the packet number. The first packets of a connection
 * have small numbers: what is sent of one is all of it (RFC 9000 section 17.1). */
static void make_nonce(const struct quic_keys *keys, const uint8_t *number, size_t length,
		       uint8_t nonce[static 12])
{
	memcpy(nonce, keys->iv, 12);
	for (size_t i = 0; i < length; i++)
		nonce[12 - length + i] ^= number[i];
}

static bool decrypt(EVP_CIPHER_CTX *context, const struct quic_keys *keys, const uint8_t *nonce,
		    struct span header, struct span sealed, uint8_t *out)
{
	size_t text = sealed.length - TAG;
	int length;

	return EVP_DecryptInit_ex(context, EVP_aes_128_gcm(), NULL, keys->key, nonce) == 1 &&
	       EVP_DecryptUpdate(context, NULL, &length, header.bytes, (int)header.length) == 1 &&
	       EVP_DecryptUpdate(context, out, &length, sealed.bytes, (int)text) == 1 &&
	       EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG,
				   (void *)(sealed.bytes + text)) == 1 &&
	       EVP_DecryptFinal_ex(context, out + length, &length) == 1;
}

/* The header as it was before it was protected: what the tag vouches for. */
static size_t bare_header(const struct quic_packet *packet, const uint8_t *mask, uint8_t *header)
{
	size_t length;

	memcpy(header, packet->whole.bytes, packet->number + NUMBER_MAX);
	header[0] ^= mask[0] & 0x0f;
	length = (header[0] & 3U) + 1;
	for (size_t i = 0; i < length; i++)
		header[packet->number + i] ^= mask[1 + i];
	return length;
}

struct span quic_open(const struct quic_packet *packet, const struct quic_keys *keys,
		      uint8_t *frames)
{
	const uint8_t *bytes = packet->whole.bytes;
	uint8_t header[QUIC_PACKET_MAX], mask[SAMPLE], nonce[12];
	EVP_CIPHER_CTX *context;
	struct span sealed, opened = { 0 };
	size_t number, start;

	if (!packet->number || packet->whole.length > QUIC_PACKET_MAX)
		return opened;
	context = EVP_CIPHER_CTX_new();
	if (context && make_mask(context, keys, bytes + packet->number + NUMBER_MAX, mask)) {
		number = bare_header(packet, mask, header);
		start = packet->number + number;
		sealed = (struct span){ bytes + start, packet->whole.length - start };
		make_nonce(keys, header + packet->number, number, nonce);
		if (decrypt(context, keys, nonce, (struct span){ header, start }, sealed, frames))
			opened = (struct span){ frames, sealed.length - TAG };
	}
	EVP_CIPHER_CTX_free(context);
	return opened;
}
