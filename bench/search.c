// SPDX-License-Identifier: BSD-3-Clause
// The search for the highest rate without loss; main thread.
#include "bench/search.h"

#include <string.h>

#define SENT_OF_OFFERED 0.95 // below, it is the generator that does not follow
#define GENERATOR_TRIES 5    // at the highest rate of all
#define GROSS_LOSS	0.1  // needs no second trial

bool search_passes(const struct search *search, const struct search_trial *trial)
{
	return trial->sent > 0 && (double)trial->lost <= search->loss * (double)trial->sent;
}

static bool try_rate(struct search *search, double pps)
{
	for (int i = 0; i < 2; i++) {
		struct search_trial trial;

		memset(&trial, 0, sizeof(trial));
		search->run(search->arg, pps, &trial);
		search->trials++;
		if ((double)trial.lost > GROSS_LOSS * (double)trial.sent)
			return false;
		if (!search_passes(search, &trial))
			continue;
		if (trial.sent_pps > search->best.sent_pps) {
			search->best = trial;
			search->generator = trial.sent_pps < SENT_OF_OFFERED * pps;
		}
		return true;
	}
	return false;
}

void search_run(struct search *search)
{
	double low = search->min_pps, high = search->max_pps;

	search->trials = 0;
	search->generator = false;
	memset(&search->best, 0, sizeof(search->best));
	// What the generator can send changes from trial to trial where it shares its core
	for (int i = 0; i < GENERATOR_TRIES; i++)
		if (!try_rate(search, high))
			break;
		else if (i + 1 == GENERATOR_TRIES)
			return;
	while (high - low > search->precision * high) {
		double middle = (low + high) / 2;

		if (!try_rate(search, middle))
			high = middle;
		else
			low = middle;
	}
}
