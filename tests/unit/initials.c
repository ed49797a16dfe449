#include "initials.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static size_t put(uint8_t *out, size_t value, unsigned width)
{
	for (unsigned i = 0; i < width; i++)
		out[i] = (uint8_t)(value >> 8 * (width - 1 - i));
	return width;
}

static size_t put_id(uint8_t *out, const char *id)
{
	size_t length = strlen(id);

	out[0] = (uint8_t)length;
	memcpy(out + 1, id, length);
	return length + 1;
}

static void require(int condition)
{
	if (!condition)
		abort();
}

static void seal(const struct quic_keys *keys, uint32_t number, uint8_t *packet, size_t header,
		 size_t length)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	uint8_t nonce[12];
	int done;

	memcpy(nonce, keys->iv, 12);
	for (unsigned i = 0; i < 4; i++)
		nonce[8 + i] ^= (uint8_t)(number >> 8 * (3 - i));
	require(EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), NULL, keys->key, nonce));
	require(EVP_EncryptUpdate(context, NULL, &done, packet, (int)header));
	require(EVP_EncryptUpdate(context, packet + header, &done, packet + header, (int)length));
	require(EVP_EncryptFinal_ex(context, packet + header + done, &done));
	require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, packet + header + length));
	EVP_CIPHER_CTX_free(context);
}

static void protect(const struct quic_keys *keys, uint8_t *packet, size_t number)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	uint8_t mask[32];
	int done;

	require(EVP_EncryptInit_ex(context, EVP_aes_128_ecb(), NULL, keys->mask, NULL));
	require(EVP_EncryptUpdate(context, mask, &done, packet + number + 4, 16));
	packet[0] ^= mask[0] & 0x0f;
	for (unsigned i = 0; i < 4; i++)
		packet[number + i] ^= mask[1 + i];
	EVP_CIPHER_CTX_free(context);
}

size_t initial_print(const struct initial *initial, const uint8_t *frames, size_t length,
		     uint8_t *out)
{
	const char *from = initial->keys ? initial->keys : initial->id;
	struct quic_keys keys;
	size_t end = 0, number;

	out[end++] = initial->version == QUIC_VERSION_2 ? 0xd3 : 0xc3;
	end += put(out + end, initial->version, 4);
	end += put_id(out + end, initial->id);
	end += put_id(out + end, initial->source_id ? initial->source_id : "");
	out[end++] = 0; /* no token */
	end += put(out + end, 0x4000 | (4 + length + 16), 2);
	number = end;
	end += put(out + end, initial->number, 4);
	memcpy(out + end, frames, length);
	require(quic_keys_derive(&keys, initial->version,
				 (struct span){ (const uint8_t *)from, strlen(from) }));
	seal(&keys, initial->number, out, end, length);
	protect(&keys, out, number);
	return end + length + 16;
}

size_t crypto_print(size_t offset, const uint8_t *bytes, size_t length, uint8_t *out)
{
	out[0] = 6;
	put(out + 1, 0x80000000 | offset, 4);
	put(out + 5, 0x4000 | length, 2);
	memcpy(out + 7, bytes, length);
	return 7 + length;
}
