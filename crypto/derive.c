// SPDX-License-Identifier: BSD-3-Clause
// The AES counter mode key derivation of SRTP; control thread, when a context is made.
#include "crypto/derive.h"

#include <errno.h>
#include <string.h>

#include "crypto/ipsec_mb.h"

struct round_keys {
	uint8_t encrypt[15 * 16], decrypt[15 * 16];
} __attribute__((aligned(16)));

int derive_keys(const uint8_t *key, size_t key_bytes, const uint8_t *salt, size_t salt_bytes,
	const struct derive_part parts[], unsigned n)
{
	static const uint8_t zero[DERIVE_BYTES_MAX];
	int error = ipsec_mb_thread_start();
	struct round_keys keys;

	if (error)
		return error;
	if (key_bytes == 32)
		IMB_AES_KEYEXP_256(ipsec_mb_mgr, key, keys.encrypt, keys.decrypt);
	else
		IMB_AES_KEYEXP_128(ipsec_mb_mgr, key, keys.encrypt, keys.decrypt);
	for (unsigned i = 0; i < n; i++) {
		// x = label || r, at the end of the 112 bits of the salt; the counter is the last
		// 16 bits
		uint8_t *counter = ipsec_mb_self->ivs[i];
		IMB_JOB *job = &ipsec_mb_self->jobs[i];

		memset(counter, 0, sizeof(ipsec_mb_self->ivs[i]));
		memcpy(counter, salt, salt_bytes);
		counter[7] ^= parts[i].label;
		job->src = zero;
		job->dst = parts[i].out;
		job->cipher_start_src_offset_in_bytes = 0;
		job->msg_len_to_cipher_in_bytes = parts[i].bytes;
		job->enc_keys = keys.encrypt;
		job->iv = counter;
		job->iv_len_in_bytes = 16;
	}
	IMB_SUBMIT_CIPHER_BURST_NOCHECK(ipsec_mb_self->mgr, ipsec_mb_self->jobs, n, IMB_CIPHER_CNTR,
		IMB_DIR_ENCRYPT, key_bytes == 32 ? IMB_KEY_256_BYTES : IMB_KEY_128_BYTES);
	explicit_bzero(&keys, sizeof(keys));
	explicit_bzero(ipsec_mb_self->ivs, n * sizeof(ipsec_mb_self->ivs[0])); // the salt
	return 0;
}
