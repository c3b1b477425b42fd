// SPDX-License-Identifier: BSD-3-Clause
// The generator for programs that forward by kernel sockets: plain RTP of many streams to them,
// what they send counted and checked. Main thread, in a network namespace of its own.
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bench/search.h"
#include "crypto/suite.h"

struct load {
	enum suite_id suite;
	bool srtp;	    // what comes back is; else RTP as it was sent
	bool softirq_apart; // !load_sender_pays()
	uint32_t streams, payload;
	pid_t pid;	// of what is measured
	double seconds; // of a trial
	// After a trial with losses, where what is measured does not recover from them by itself
	void (*restart)(struct load *load);
	int out, in;		// sockets
	struct sockaddr_in *to; // of each stream
	uint8_t *keys;		// master key and salt of each, SUITE_KEY_MAX + SUITE_SALT_MAX bytes
	uint32_t *order, at, seq; // a permutation of the streams: each comes once in a round
};

// Takes the process into a network namespace of its own, whose loopback is up. Ends the program if
// it may not.
void load_namespace(void);
// A UDP socket of 127.0.0.1 with large buffers; its port in *port.
int load_socket(uint16_t *port);
// Whether the kernel's work for a received packet is in the sender's CPU time on loopback, as it is
// without CONFIG_IRQ_TIME_ACCOUNTING.
bool load_sender_pays(void);

// Makes the streams' arrays; the caller fills in the rest, and `to` and `keys` of each.
void load_init(struct load *load);
void load_fini(struct load *load);
// One packet of each stream, slowly: whether each comes back and decrypts to what was sent.
bool load_verify(struct load *load);
// A trial as struct search wants it; arg is the load.
void load_trial(void *load, double pps, struct search_trial *trial);
