// SPDX-License-Identifier: BSD-3-Clause
// Failed logins by source address. The table never grows: four places for each hash, and the one
// that owes least makes room. Runs on the server's thread.
#include "control/access/limit.h"

#include "control/access/binding.h"

#include <openssl/rand.h>

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define SETS 4096 // power of two
#define WAYS 4

// The debt of an address, told by the time at which it is paid: each failure moves it on by one
// interval.
struct source {
	uint64_t address; // IPv4, or the first half of IPv6
	uint64_t paid_us;
};

struct limit {
	uint64_t interval_us; // one failure is forgiven in
	uint64_t burst_us;    // what an address may owe
	uint64_t hash_key;
	struct source sources[SETS][WAYS];
};

struct limit *limit_new(unsigned per_minute)
{
	struct limit *limit = calloc(1, sizeof(*limit));
	if (limit == NULL)
		return NULL;
	limit->interval_us = 60000000 / (per_minute > 0 ? per_minute : 1);
	limit->burst_us = 60000000;
	RAND_bytes((unsigned char *)&limit->hash_key, sizeof(limit->hash_key));
	return limit;
}

void limit_free(struct limit *limit)
{
	free(limit);
}

static uint64_t address_of(const struct sockaddr *from)
{
	uint64_t address = 0;
	if (from->sa_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;
		if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
			memcpy(&address, &v6->sin6_addr.s6_addr[12], 4);
		else
			memcpy(&address, &v6->sin6_addr, 8);
	} else if (from->sa_family == AF_INET) {
		memcpy(&address, &((const struct sockaddr_in *)from)->sin_addr, 4);
	}
	return address;
}

// The place of an address, or the one that owes least.
static struct source *find(struct limit *limit, uint64_t address)
{
	uint64_t h = (address ^ limit->hash_key) * 0x9e3779b97f4a7c15;
	struct source *set = limit->sources[(h >> 40) & (SETS - 1)], *least = set;
	for (int i = 0; i < WAYS; i++) {
		if (set[i].address == address)
			return &set[i];
		if (set[i].paid_us < least->paid_us)
			least = &set[i];
	}
	return least;
}

void limit_failed(struct limit *limit, const struct sockaddr *from)
{
	uint64_t now = binding_now_us(), address = address_of(from);
	struct source *source = find(limit, address);
	if (source->address != address || source->paid_us < now)
		*source = (struct source){address, now};
	source->paid_us += limit->interval_us;
}

unsigned limit_wait_s(struct limit *limit, const struct sockaddr *from)
{
	uint64_t now = binding_now_us(), address = address_of(from);
	const struct source *source = find(limit, address);
	if (source->address != address || source->paid_us <= now + limit->burst_us)
		return 0;
	return (unsigned)((source->paid_us - now - limit->burst_us + 999999) / 1000000);
}
