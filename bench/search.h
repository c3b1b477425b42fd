// SPDX-License-Identifier: BSD-3-Clause
// The highest rate without loss, by binary search over trials (RFC 2544 section 26.1). A trial that
// loses is repeated once, because a machine may be busy with something else for a moment: the
// search with loss verification of ETSI GS NFV-TST 009. Main thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct search_trial {
	double offered_pps; // what was asked for
	double sent_pps;    // what the generator did
	uint64_t sent, lost;
	double cpu_ns; // of what is measured, where that is known
};

struct search {
	double min_pps, max_pps;
	double loss;	  // that is allowed: 0.001
	double precision; // the search ends at this part of the rate: 0.02
	// One trial; arg as given. Its figures go to *trial
	void (*run)(void *arg, double pps, struct search_trial *trial);
	void *arg;

	unsigned trials; // made
	bool generator;	 // the generator sent all it could: what is measured might do more
	struct search_trial best;
};

// Searches; best.sent is 0 if even the lowest rate loses.
void search_run(struct search *search);
// Whether a trial stays within the loss that is allowed.
bool search_passes(const struct search *search, const struct search_trial *trial);
