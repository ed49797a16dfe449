/* The heap that OpenSSL works in, for the process that holds the authority's key: decoders and encoders of OpenSSL
 * free copies of it as they are (openssl-secure-heap(7) protects the key, not what it is made from). */
#pragma once

/* Before anything of OpenSSL is called in the process, or there is no wiping later. -1 when it is too late. */
int heap_begin(void);

/* From now on whatever OpenSSL frees in this process, or moves, is overwritten. */
void heap_wipe(void);
