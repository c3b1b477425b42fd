// SPDX-License-Identifier: BSD-3-Clause
// Session descriptions: written and read back, RFC examples, what is left out, what is refused.
#include "control/sip/sdp.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define K28   "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="
#define K30   "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj" // RFC 4568 section 4.1
#define K44   "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define HEAD  "v=0\r\no=- 1 2 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n"
#define AUDIO "m=audio 4000 RTP/SAVP 0\r\n"
#define VIDEO "m=video 4002 RTP/AVP 31\r\n"

static int read_text(const char *text, struct sdp *sdp, char *error)
{
	return sdp_read(text, strlen(text), sdp, error);
}

Test(sip_sdp, written_and_read_back)
{
	static const char *const suites[] = {"AEAD_AES_128_GCM", "AEAD_AES_256_GCM",
		"AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"};
	static const unsigned lengths[] = {40, 60, 40, 40};

	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct sdp sdp = {.session_id = UINT64_MAX, .session_version = 7, .n_payloads = 2};
		struct sdp back;
		char error[128] = "", *text;

		sdp.address.ss_family = v6 ? AF_INET6 : AF_INET;
		if (v6)
			inet_pton(AF_INET6, "fd00::2",
				&((struct sockaddr_in6 *)&sdp.address)->sin6_addr);
		else
			inet_pton(AF_INET, "10.0.0.2",
				&((struct sockaddr_in *)&sdp.address)->sin_addr);
		((struct sockaddr_in *)&sdp.address)->sin_port = htons(20000);
		sdp.direction = 1;
		sdp.rtcp_mux = true;
		strcpy(sdp.payloads[0].rtpmap, "PCMU/8000");
		sdp.payloads[1].type = 101;
		for (unsigned i = 0; i < 4; i++) {
			sdp.cryptos[i].tag = i + 1;
			strcpy(sdp.cryptos[i].suite, suites[i]);
			cr_assert(eq(int, sdp_new_key(&sdp.cryptos[i]), 0));
			cr_expect(eq(sz, strlen(sdp.cryptos[i].key), lengths[i]));
		}
		sdp.n_cryptos = 4;
		sdp.lines = (struct sdp_lines){.n = 3,
			.ours = v6 ? 2 : 1,
			.at = {{"video", "RTP/AVP", "31"}, {"audio", "RTP/SAVP", "0"},
				{"audio", "RTP/SAVP", "0"}}};
		text = sdp_write(&sdp);
		cr_assert(ne(ptr, text, NULL));
		cr_assert(eq(int, read_text(text, &back, error), 0), "%s", error);
		cr_expect(eq(int, memcmp(&sdp, &back, sizeof(sdp)), 0), "%s", text);
		sdp_text_free(text);
	}
}

// RFC 4568 section 9.1, its offer.
Test(sip_sdp, rfc_4568_example)
{
	struct sdp sdp;
	char error[128] = "";

	cr_assert(
		eq(int,
			read_text(
				"v=0\r\no=jdoe 2890844526 2890842807 IN IP4 10.47.16.5\r\n"
				"s=SDP Seminar\r\ni=A Seminar on the session description protocol\r\n"
				"u=http://www.example.com/seminars/sdp.pdf\r\n"
				"e=j.doe@example.com (Jane Doe)\r\nc=IN IP4 161.44.17.12\r\n"
				"t=2873397496 2873404696\r\nm=video 51372 RTP/SAVP 31\r\n"
				"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" K30 "|2^20|1:32\r\n"
				"m=audio 49170 RTP/SAVP 0\r\n"
				"a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:" K30 "|2^20|1:32\r\n"
				"m=application 32416 udp wb\r\na=orient:portrait\r\n",
				&sdp, error),
			0),
		"%s", error);
	cr_expect(eq(u64, sdp.session_id, 2890844526));
	cr_expect(eq(int, ntohs(((struct sockaddr_in *)&sdp.address)->sin_port), 49170));
	cr_expect(eq(uint, sdp.n_cryptos, 0), "a line with a master key index is left out");
	cr_expect(eq(uint, sdp.direction, 3));
	cr_expect(not(sdp.rtcp_mux));
}

Test(sip_sdp, crypto_lines)
{
	static const struct {
		const char *line;
		int result, n;
	} cases[] = {
		{"1 AEAD_AES_128_GCM inline:" K28, 0, 1},
		{"1 aead_aes_128_gcm INLINE:" K28, 0, 1},
		{"1 AEAD_AES_256_GCM inline:" K44, 0, 1},
		{"999999999 AES_CM_128_HMAC_SHA1_80 inline:" K30 "|2^48", 0, 1},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" K30 "|2^31", 0, 1},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" K30 "|2^20", 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" K30 "|1048576", 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" K30 "|1:4", 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" K30 "|2^48|1:4", 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" K30 ";inline:" K30, 0, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" K30 " UNENCRYPTED_SRTP", 0, 0},
		{"1 F8_128_HMAC_SHA1_80 inline:" K30, 0, 0},
		{"1 UNKNOWN whatever", 0, 0},
		{"0000000001 AEAD_AES_128_GCM inline:" K28, -EINVAL, 0},
		{"x AEAD_AES_128_GCM inline:" K28, -EINVAL, 0},
		{"-1 AEAD_AES_128_GCM inline:" K28, -EINVAL, 0},
		{"1", -EINVAL, 0},
		{"1 AEAD_AES_128_GCM", -EINVAL, 0},
		{"1 AEAD_AES_128_GCM ", -EINVAL, 0},
		{"1 AEAD_AES_128_GCM outline:" K28, -EINVAL, 0},
		{"1 AEAD_AES_128_GCM inline:", -EINVAL, 0},
		{"1 AEAD_AES_128_GCM inline:" K30, -EINVAL, 0},
		{"1 AEAD_AES_256_GCM inline:" K28, -EINVAL, 0},
		{"1 AEAD_AES_128_GCM inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB==", -EINVAL, 0},
		{"1 AEAD_AES_128_GCM inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", -EINVAL, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJS*j",
			-EINVAL, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" K30 "|2^", -EINVAL, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" K30 "|", -EINVAL, 0},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" K30 "|99999999999999999999999", -EINVAL, 0},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sdp sdp;
		char text[1024], error[128] = "";

		snprintf(text, sizeof(text), HEAD AUDIO "a=crypto:%s\r\n", cases[i].line);
		cr_expect(eq(int, read_text(text, &sdp, error), cases[i].result), "%s: %s", error,
			cases[i].line);
		cr_expect(eq(uint, sdp.n_cryptos, (unsigned)cases[i].n), "%s", cases[i].line);
		cr_expect(strstr(error, K28) == NULL && strstr(error, K30) == NULL);
	}
}

Test(sip_sdp, what_counts)
{
	static const struct {
		const char *text;
		int port;
		unsigned direction;
		bool mux;
		unsigned payloads;
	} cases[] = {
		{HEAD AUDIO, 4000, 3, false, 1},
		{HEAD "a=recvonly\r\n" AUDIO, 4000, 2, false, 1},
		{HEAD "a=recvonly\r\n" AUDIO "a=sendonly\r\n", 4000, 1, false, 1},
		{HEAD AUDIO "a=inactive\r\na=rtcp-mux\r\n", 4000, 0, true, 1},
		{HEAD AUDIO "c=IN IP4 0.0.0.0\r\n", 4000, 1, false, 1},
		{HEAD "m=audio 0 RTP/SAVP 0 8 101\r\n", 0, 3, false, 3},
		{HEAD "m=audio 1 RTP/AVP 0\r\nm=audio 2 RTP/SAVP 0\r\na=sendonly\r\n"
		      "m=audio 3 RTP/SAVP 8\r\na=inactive\r\na=rtcp-mux\r\n",
			2, 1, false, 1},
		{HEAD "m=audio 2/2 RTP/SAVP 0\r\nm=audio 4 RTP/SAVP 0\r\n", 4, 3, false, 1},
		{"v=0\no=- 0 0 IN IP6 ::1\nm=audio 4 RTP/SAVP 0\nc=IN IP6 fd00::1\n", 4, 3, false,
			1},
		{HEAD "m=audio 4 RTP/SAVP 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\r\n", 4, 3,
			false, 16},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sdp sdp;
		char error[128] = "";

		cr_assert(eq(int, read_text(cases[i].text, &sdp, error), 0), "%s: %s", error,
			cases[i].text);
		cr_expect(eq(int, ntohs(((struct sockaddr_in *)&sdp.address)->sin_port),
				  cases[i].port),
			"%s", cases[i].text);
		cr_expect(eq(uint, sdp.direction, cases[i].direction), "%s", cases[i].text);
		cr_expect(eq(int, sdp.rtcp_mux, cases[i].mux), "%s", cases[i].text);
		cr_expect(eq(uint, sdp.n_payloads, cases[i].payloads), "%s", cases[i].text);
	}
}

// RFC 3264 section 6: as many m= lines as were offered, in their order
Test(sip_sdp, other_streams_are_refused_by_themselves)
{
	static const struct {
		const char *offer, *answer; // of the answer: the m= lines
	} cases[] = {
		{HEAD AUDIO, "m=audio 5000 RTP/SAVP 0\r\n"},
		{HEAD AUDIO "m=video 4002 RTP/AVP 31 32\r\na=rtpmap:31 H261/90000\r\n",
			"m=audio 5000 RTP/SAVP 0\r\nm=video 0 RTP/AVP 31\r\n"},
		{HEAD "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n" AUDIO
		      "m=audio 4002 RTP/SAVP 8\r\n",
			"m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"
			"m=audio 5000 RTP/SAVP 0\r\nm=audio 0 RTP/SAVP 8\r\n"},
		{HEAD "m=audio 0 RTP/SAVP 8\r\na=inactive\r\na=rtcp-mux\r\nc=IN IP4 0.0.0.0\r\n"
		      "a=crypto:1 AEAD_AES_128_GCM inline:" K28 "\r\na=rtpmap:8 PCMA/8000\r\n"
		      "m=image 1 udptl\r\n" AUDIO "m=audio 0 RTP/SAVP 8\r\n",
			"m=audio 0 RTP/SAVP 8\r\nm=image 0 udptl 0\r\nm=audio 5000 RTP/SAVP 0\r\n"
			"m=audio 0 RTP/SAVP 8\r\n"},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sdp sdp;
		char error[128] = "", lines[512] = "", *text, *save = NULL;

		cr_assert(eq(int, read_text(cases[i].offer, &sdp, error), 0), "%s", error);
		cr_expect(eq(int, ntohs(((struct sockaddr_in *)&sdp.address)->sin_port), 4000));
		cr_expect(eq(uint, sdp.direction, 3));
		cr_expect(eq(uint, sdp.n_cryptos, 0));
		cr_expect(eq(uint, sdp.n_payloads, 1));
		cr_expect(not(sdp.rtcp_mux));
		((struct sockaddr_in *)&sdp.address)->sin_port = htons(5000);
		text = sdp_write(&sdp);
		cr_assert(ne(ptr, text, NULL));
		for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
			if (l[0] == 'm')
				strcat(strcat(lines, l), "\n");
		cr_expect(eq(str, lines, (char *)cases[i].answer), "%u", i);
		free(text);
	}
}

Test(sip_sdp, rtpmaps)
{
	struct sdp sdp;
	char error[128] = "";

	cr_assert(eq(int,
		read_text(HEAD "m=audio 4 RTP/SAVP 0 96\r\na=rtpmap:96 opus/48000/2\r\n"
			       "a=rtpmap:97 none/8000\r\na=rtpmap:0 "
			       "a-name-that-is-longer-than-any-that-is-in-use-today/8000\r\n",
			&sdp, error),
		0));
	cr_expect(eq(str, sdp.payloads[1].rtpmap, "opus/48000/2"));
	cr_expect(eq(str, sdp.payloads[0].rtpmap, ""));
}

Test(sip_sdp, refuses)
{
	static const struct {
		const char *text;
		int result;
	} cases[] = {
		{"", -EINVAL},
		{"\r\n", -EINVAL},
		{"v=1\r\n", -EINVAL},
		{"o=- 1 2 IN IP4 10.0.0.1\r\nv=0\r\n" AUDIO, -EINVAL},
		{"v=0\r\nc=IN IP4 10.0.0.1\r\n" AUDIO, -EINVAL},
		{HEAD "v=0\r\n" AUDIO, -EINVAL},
		{HEAD "o=- 1 2 IN IP4 10.0.0.1\r\n" AUDIO, -EINVAL},
		{HEAD AUDIO "nonsense\r\n", -EINVAL},
		{HEAD AUDIO "\r\na=x\r\n", -EINVAL},
		{HEAD AUDIO "a=x\ry\r\n", -EINVAL},
		{HEAD "m=audio\r\n", -EINVAL},
		{HEAD "m=audio 4000 RTP/SAVP\r\n", -EINVAL},
		{HEAD "m=audio 4000 RTP/SAVP \r\n", -EINVAL},
		{HEAD "m=audio 65536 RTP/SAVP 0\r\n", -EINVAL},
		{HEAD "m=audio -1 RTP/SAVP 0\r\n", -EINVAL},
		{HEAD "m=audio 4000 RTP/SAVP 128\r\n", -EINVAL},
		{HEAD "m=audio 4000 RTP/SAVP 0 0\r\n", -EINVAL},
		{HEAD "m=audio 4000 RTP/SAVP x\r\n", -EINVAL},
		{HEAD AUDIO "a=rtpmap:x y\r\n", -EINVAL},
		{HEAD AUDIO "a=crypto:1 AEAD_AES_128_GCM inline:" K28 "\r\n"
			    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" K30 "\r\n",
			-EINVAL},
		{"v=0\r\no=- 18446744073709551616 2 IN IP4 10.0.0.1\r\n" AUDIO, -EINVAL},
		{"v=0\r\no=-\r\n" AUDIO, -EINVAL},
		{HEAD "c=IN IP4\r\n" AUDIO, -EINVAL},
		{HEAD, -ENOTSUP},
		{HEAD "m=audio 4000 RTP/AVP 0\r\n", -ENOTSUP},
		{HEAD "m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\n", -ENOTSUP},
		{HEAD "m=video 4000 RTP/SAVP 0\r\n", -ENOTSUP},
		{HEAD AUDIO VIDEO VIDEO VIDEO VIDEO VIDEO VIDEO VIDEO VIDEO, -ENOTSUP},
		{HEAD AUDIO "m=" K44 " 1 RTP/AVP 0\r\n", -ENOTSUP},
		{HEAD AUDIO "m=video 1 " K44 " 0\r\n", -ENOTSUP},
		{HEAD AUDIO "m=video 1 RTP/AVP " K44 "\r\n", -ENOTSUP},
		{HEAD AUDIO "m=vi\tdeo 1 RTP/AVP 0\r\n", -ENOTSUP},
		{HEAD AUDIO "m=video 1\r\n", -EINVAL},
		{HEAD AUDIO "c=IN IP4 224.0.0.1\r\n", -ENOTSUP},
		{HEAD AUDIO "c=IN IP4 255.255.255.255\r\n", -ENOTSUP},
		{HEAD AUDIO "c=IN IP6 ff02::1\r\n", -ENOTSUP},
		{HEAD AUDIO "c=IN IP4 host.example.org\r\n", -ENOTSUP},
		{HEAD AUDIO "c=IN IP4 10.0.0.1/127\r\n", -ENOTSUP},
		{"v=0\r\no=- 1 2 IN IP4 10.0.0.1\r\n" AUDIO, -ENOTSUP},
	};
	static const char zero[] = HEAD AUDIO "a=\0\r\n";
	static char huge[20000] = HEAD AUDIO;
	struct sdp sdp;
	char error[128];

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		error[0] = '\0';
		cr_expect(eq(int, read_text(cases[i].text, &sdp, error), cases[i].result), "%s: %s",
			error, cases[i].text);
		cr_expect(ne(str, error, ""));
	}
	cr_expect(eq(int, sdp_read(zero, sizeof(zero) - 1, &sdp, error), -EINVAL));
	memset(huge + strlen(huge), 'a', 1100);
	cr_expect(eq(int, read_text(huge, &sdp, error), -EINVAL));
	memset(huge, 'a', sizeof(huge) - 1);
	cr_expect(eq(int, read_text(huge, &sdp, error), -EINVAL));
}

Test(sip_sdp, chooses_by_our_preference)
{
	static const char *const gcm[] = {"AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80", NULL};
	static const char *const none[] = {"AEAD_AES_256_GCM", NULL};
	struct sdp sdp;
	char error[128];

	cr_assert(eq(int,
		read_text(HEAD AUDIO "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" K30 "\r\n"
				     "a=crypto:2 AEAD_AES_128_GCM inline:" K28 "\r\n",
			&sdp, error),
		0));
	cr_expect(eq(uint, sdp_choose(&sdp, gcm)->tag, 2));
	cr_expect(eq(ptr, (void *)sdp_choose(&sdp, none), NULL));
}

Test(sip_sdp, writes_no_line_breaks_and_no_nonsense)
{
	struct sdp sdp = {.n_payloads = 1, .direction = 3, .address.ss_family = AF_INET};
	struct sdp_crypto crypto = {.suite = "NONE"};
	char *text = sdp_write(&sdp);

	cr_assert(ne(ptr, text, NULL));
	sdp_text_free(text);
	strcpy(sdp.payloads[0].rtpmap, "a\r\nb");
	cr_expect(eq(ptr, sdp_write(&sdp), NULL));
	cr_expect(eq(int, errno, EINVAL));
	sdp.payloads[0].rtpmap[0] = '\0';
	sdp.address.ss_family = AF_UNSPEC;
	cr_expect(eq(ptr, sdp_write(&sdp), NULL));
	sdp.address.ss_family = AF_INET;
	sdp.lines = (struct sdp_lines){.n = 2, .at = {[1] = {"a", "b\r\n", "0"}}};
	cr_expect(eq(ptr, sdp_write(&sdp), NULL));
	sdp.lines = (struct sdp_lines){.n = 1, .ours = 1};
	cr_expect(eq(ptr, sdp_write(&sdp), NULL));
	sdp.lines = (struct sdp_lines){0};
	sdp.n_payloads = 0;
	cr_expect(eq(ptr, sdp_write(&sdp), NULL));
	cr_expect(eq(int, sdp_new_key(&crypto), -EINVAL));
}

Test(sip_sdp, keys_differ)
{
	struct sdp_crypto a = {.suite = "AEAD_AES_128_GCM"}, b = a;

	cr_assert(eq(int, sdp_new_key(&a), 0));
	cr_assert(eq(int, sdp_new_key(&b), 0));
	cr_expect(ne(str, a.key, b.key));
}
