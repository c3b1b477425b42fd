// SPDX-License-Identifier: BSD-3-Clause
// Why the engine did not forward a packet: one reason each, counted. Any thread.
#pragma once

#define DROP_LIST(X)                                                                               \
	X(MALFORMED, "malformed", "IP or UDP lengths contradict each other or the frame")          \
	X(WRONG_VLAN, "wrong_vlan", "not of the VLAN that the wire port is set to")                \
	X(NO_SESSION, "no_session",                                                                \
		"UDP to a port that no session has, where no kernel is behind")                    \
	X(NOT_OURS, "not_ours", "to nobody here, on a port without a kernel behind it")            \
	X(WRONG_SOURCE, "wrong_source",                                                            \
		"to a session's port, from an address that is not its peer's")                     \
	X(INACTIVE, "inactive", "against the session's direction (sendonly, recvonly, inactive)")  \
	X(TOO_SHORT, "too_short", "shorter than an RTP or RTCP header")                            \
	X(NOT_RTP, "not_rtp", "neither RTP nor RTCP, to a session's port")                         \
	X(PUNT_NO_TAKER, "punt_no_taker", "STUN or DTLS to a session's port: nobody takes it yet") \
	X(MULTI_SEGMENT, "multi_segment", "media in more than one buffer")                         \
	X(SRTP_MALFORMED, "srtp_malformed", "RTP header or tag do not fit the packet")             \
	X(NO_ROOM, "no_room", "no room behind the packet for the tag")                             \
	X(SSRC_LIMIT, "ssrc_limit", "more synchronization sources than the session may have")      \
	X(REPLAY_OLD, "replay_old", "older than the replay window")                                \
	X(REPLAY_DUPLICATE, "replay_duplicate", "received before")                                 \
	X(AUTH_FAILED, "auth_failed", "authentication tag does not match")                         \
	X(KEY_EXHAUSTED, "key_exhausted",                                                          \
		"the master key has protected as many packets as it may")                          \
	X(CRYPTO_FAILED, "crypto_failed", "the crypto back end failed")                            \
	X(NO_NEXTHOP, "no_nexthop", "the MAC address of the next hop is not known")                \
	X(MTU, "mtu", "larger than the port may send")                                             \
	X(TX_FULL, "tx_full", "the port's transmit queue was full")                                \
	X(PORT_STOPPED, "port_stopped", "to a port that was stopped (port stop)")                  \
	X(HANDOVER_FULL, "handover_full", "the ring to the worker that owns the stream was full")  \
	X(CONTROL_FULL, "control_full",                                                            \
		"the ring to the control thread was full (ARP, neighbour discovery)")              \
	X(KERNEL_FULL, "kernel_full",                                                              \
		"the exception port's transmit queue, or the ring to it, was full")

enum drop_reason {
#define X(name, text, help) DROP_##name,
	DROP_LIST(X)
#undef X
		DROP_COUNT,
};

extern const char *const drop_names[DROP_COUNT]; // "auth_failed"
extern const char *const drop_helps[DROP_COUNT];
