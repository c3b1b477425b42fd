// SPDX-License-Identifier: BSD-3-Clause
// Published test vectors of SRTP, in hexadecimal; spaces are ignored.
#pragma once

// RFC 3711 appendix B.2: the AES-CM keystream; SSRC, rollover counter and sequence number are zero.
#define VECTOR_CM_KEY  "2B7E151628AED2A6ABF7158809CF4F3C"
#define VECTOR_CM_SALT "F0F1F2F3F4F5F6F7F8F9FAFBFCFD"
#define VECTOR_CM_KEYSTREAM                                                                        \
	"E03EAD0935C95E80E166B16DD92B4EB4"                                                         \
	"D23513162B02D0F72A43A2FE4A5F97AB"                                                         \
	"41E95B3BB0A2E8DD477901E4FCA894C0"
#define VECTOR_CM_LAST_BLOCK 0xff01 // of 65,282; these are the last three
#define VECTOR_CM_KEYSTREAM_END                                                                    \
	"EC8CDF7398607CB0F2D21675EA9EA1E4"                                                         \
	"362B7C3C6773516318A077D7FC5073AE"                                                         \
	"6A2CC3787889374FBEB4C81B17BA6C44"

// RFC 3711 appendix B.3 and RFC 6188 section 7.2: key derivation.
struct vector_derive {
	const char *key, *salt;
	const char *rtp_key, *rtp_salt, *rtp_auth;
};

static const struct vector_derive vector_derive[] = {
	{
		.key = "E1F97A0D3E018BE0D64FA32C06DE4139",
		.salt = "0EC675AD498AFEEBB6960B3AABE6",
		.rtp_key = "C61E7A93744F39EE10734AFE3FF7A087",
		.rtp_salt = "30CBBC08863D8C85D49DB34A9AE1",
		.rtp_auth = "CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA48F0A0ACF3C34E2359E6CDBCE"
			    "E049646C43D9327AD175578EF7227098 6371C10C9A369AC2F94A8C5FBCDDDC25"
			    "6D6E919A48B610EF17C2041E47403576 6B68642C59BBFC2F34DB60DBDFB2",
	},
	{
		.key = "f0f04914b513f2763a1b1fa130f10e29 98f6f6e43e4309d1e622a0e332b9f1b6",
		.salt = "3b04803de51ee7c96423ab5b78d2",
		.rtp_key = "5ba1064e30ec51613cad926c5a28ef73 1ec7fb397f70a960653caf06554cd8c4",
		.rtp_salt = "fa31791685ca444a9e07c6c64e93",
		.rtp_auth = "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05",
	},
};

// A packet as it is and protected. The key and salt are master keys, or session keys where said.
struct vector_packet {
	const char *suite, *key, *salt, *clear, *wire;
};

// Whole packets with the master key of RFC 3711 appendix B.3 and of AES-GCM, as libsrtp2's own
// tests have them; the SRTCP index is 1.
static const struct vector_packet vector_rtp[] = {
	{
		.suite = "AES_CM_128_HMAC_SHA1_80",
		.key = "E1F97A0D3E018BE0D64FA32C06DE4139",
		.salt = "0EC675AD498AFEEBB6960B3AABE6",
		.clear = "800f1234decafbadcafebabe abababababababababababababababab",
		.wire = "800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402"
			"b78d6acc99ea179b8dbb",
	},
	{
		.suite = "AES_CM_128_HMAC_SHA1_32",
		.key = "E1F97A0D3E018BE0D64FA32C06DE4139",
		.salt = "0EC675AD498AFEEBB6960B3AABE6",
		.clear = "800f1234decafbadcafebabe abababababababababababababababab",
		.wire = "800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc",
	},
};

// RFC 7714 section 16.1.1 and 16.2.1: session keys, rollover counter 0.
#define VECTOR_GCM_KEY_128 "000102030405060708090a0b0c0d0e0f"
#define VECTOR_GCM_KEY_256 VECTOR_GCM_KEY_128 "101112131415161718191a1b1c1d1e1f"
#define VECTOR_GCM_SALT	   "517569642070726f2071756f"
#define VECTOR_GCM_RTP                                                                             \
	"8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976"                  \
	"69736120 696e2070 61727465 73207472 6573"
static const struct vector_packet vector_gcm_rtp[] = {
	{
		.suite = "AEAD_AES_128_GCM",
		.key = VECTOR_GCM_KEY_128,
		.salt = VECTOR_GCM_SALT,
		.clear = VECTOR_GCM_RTP,
		.wire = "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5"
			"0d294e6f 42a5f47a 51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439"
			"0cce",
	},
	{
		.suite = "AEAD_AES_256_GCM",
		.key = VECTOR_GCM_KEY_256,
		.salt = VECTOR_GCM_SALT,
		.clear = VECTOR_GCM_RTP,
		.wire = "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238"
			"9a58e2f3 b50b2a02 76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7"
			"6c13",
	},
};

// RFC 7714 section 17.1 and 17.2: session keys. The length in the header is not that of the packet.
#define VECTOR_GCM_RTCP_INDEX 0x5d4
#define VECTOR_GCM_RTCP                                                                            \
	"81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61"                  \
	"deadbeef deadbeef deadbeef deadbeef deadbeef"
static const struct vector_packet vector_gcm_rtcp[] = {
	{
		.suite = "AEAD_AES_128_GCM",
		.key = VECTOR_GCM_KEY_128,
		.salt = VECTOR_GCM_SALT,
		.clear = VECTOR_GCM_RTCP,
		.wire = "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d"
			"c676a5f1 730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872"
			"45d9eade 800005d4",
	},
	{
		.suite = "AEAD_AES_256_GCM",
		.key = VECTOR_GCM_KEY_256,
		.salt = VECTOR_GCM_SALT,
		.clear = VECTOR_GCM_RTCP,
		.wire = "81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50"
			"a2eaa5c1 110555be 8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c"
			"b26ac3be 800005d4",
	},
};
