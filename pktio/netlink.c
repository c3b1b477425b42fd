// SPDX-License-Identifier: BSD-3-Clause
// The kernel's addresses, routes and neighbours by netlink; control thread.
#include "pktio/netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define ADDRESSES_MAX  64
#define BUFFER_BYTES   16384
#define RECEIVE_BYTES  (1 << 20)
#define ANSWER_SECONDS 1
#define DUMP_TRIES     8
#define NEIGH_USABLE   (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT)

struct addresses {
	unsigned n;
	struct address at[ADDRESSES_MAX];
};

struct netlink {
	unsigned if_index;
	const struct netlink_ops *ops;
	void *arg;
	struct mnl_socket *watch, *ask;
	uint32_t sequence;
	bool routes_changed;
	bool stale; // the kernel's messages were lost: all is to be read again
	struct addresses addresses;
};

static struct mnl_socket *open_socket(unsigned groups, int flags)
{
	const struct timeval patience = {.tv_sec = ANSWER_SECONDS};
	const int bytes = RECEIVE_BYTES;
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | flags);

	if (!nl)
		return NULL;
	if (mnl_socket_bind(nl, groups, MNL_SOCKET_AUTOPID) != 0) {
		mnl_socket_close(nl);
		return NULL;
	}
	setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	return nl;
}

// ---- messages

static unsigned char family_of(const struct in6_addr *ip)
{
	return address_is_ipv4(ip) ? AF_INET : AF_INET6;
}

static void put_ip(struct nlmsghdr *nlh, uint16_t type, const struct in6_addr *ip)
{
	if (address_is_ipv4(ip))
		mnl_attr_put(nlh, type, 4, &ip->s6_addr32[3]);
	else
		mnl_attr_put(nlh, type, 16, ip);
}

static bool get_ip(const struct nlattr *attr, struct in6_addr *out)
{
	uint16_t length = mnl_attr_get_payload_len(attr);
	uint32_t ipv4;

	if (length == 4) {
		memcpy(&ipv4, mnl_attr_get_payload(attr), 4);
		*out = address_from_ipv4(ipv4);
		return true;
	}
	if (length == 16) {
		memcpy(out, mnl_attr_get_payload(attr), 16);
		return true;
	}
	return false;
}

// The attribute of a type in a message whose fixed part has `header` bytes, or NULL.
static const struct nlattr *find_attr(const struct nlmsghdr *nlh, size_t header, uint16_t type)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, header)
	{
		if (mnl_attr_get_type(attr) == type)
			return attr;
	}
	return NULL;
}

// ---- addresses

static void address_del(struct addresses *addresses, const struct in6_addr *ip)
{
	for (unsigned i = 0; i < addresses->n; i++) {
		if (address_equal(&addresses->at[i].ip, ip)) {
			addresses->at[i] = addresses->at[--addresses->n];
			return;
		}
	}
}

static void address_add(struct addresses *addresses, const struct address *address)
{
	address_del(addresses, &address->ip);
	if (addresses->n < ADDRESSES_MAX)
		addresses->at[addresses->n++] = *address;
}

static void on_address(struct netlink *n, const struct nlmsghdr *nlh)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr = find_attr(nlh, sizeof(*ifa), IFA_LOCAL);
	struct address address;

	if (ifa->ifa_index != n->if_index)
		return;
	if (!attr)
		attr = find_attr(nlh, sizeof(*ifa), IFA_ADDRESS);
	if (!attr || !get_ip(attr, &address.ip))
		return;
	address.prefix = (uint8_t)(ifa->ifa_prefixlen + (ifa->ifa_family == AF_INET ? 96 : 0));
	if (nlh->nlmsg_type == RTM_NEWADDR)
		address_add(&n->addresses, &address);
	else
		address_del(&n->addresses, &address.ip);
	n->routes_changed = true;
}

// ---- neighbours

static bool read_neighbour(const struct netlink *n, const struct nlmsghdr *nlh, struct in6_addr *ip,
	struct rte_ether_addr *mac)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *dst = find_attr(nlh, sizeof(*ndm), NDA_DST);
	const struct nlattr *lladdr = find_attr(nlh, sizeof(*ndm), NDA_LLADDR);

	if ((unsigned)ndm->ndm_ifindex != n->if_index || !(ndm->ndm_state & NEIGH_USABLE) || !dst ||
		!lladdr || mnl_attr_get_payload_len(lladdr) != RTE_ETHER_ADDR_LEN ||
		!get_ip(dst, ip))
		return false;
	memcpy(mac, mnl_attr_get_payload(lladdr), RTE_ETHER_ADDR_LEN);
	return true;
}

static void on_neighbour(struct netlink *n, const struct nlmsghdr *nlh)
{
	struct in6_addr ip;
	struct rte_ether_addr mac;

	if (nlh->nlmsg_type == RTM_NEWNEIGH && read_neighbour(n, nlh, &ip, &mac))
		n->ops->neighbour(n->arg, &ip, &mac);
}

// ---- what the kernel tells

static int on_message(const struct nlmsghdr *nlh, void *data)
{
	struct netlink *n = data;

	switch (nlh->nlmsg_type) {
	case RTM_NEWADDR:
	case RTM_DELADDR:
		on_address(n, nlh);
		break;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		on_neighbour(n, nlh);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
	case RTM_NEWLINK:
	case RTM_DELLINK:
		n->routes_changed = true;
		break;
	}
	return MNL_CB_OK;
}

// ---- questions

static struct nlmsghdr *begin(struct netlink *n, char *buffer, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	nlh->nlmsg_seq = ++n->sequence;
	return nlh;
}

// Whether the kernel says that its table changed under the dump. Takes the mark off, so that the
// rest is read, too: a dump that is not read to its end keeps the next one waiting (EBUSY).
static bool take_interrupted(char *buffer, ssize_t bytes, uint32_t sequence)
{
	int left = (int)bytes;
	bool interrupted = false;

	for (struct nlmsghdr *nlh = (struct nlmsghdr *)buffer; mnl_nlmsg_ok(nlh, left);
		nlh = mnl_nlmsg_next(nlh, &left)) {
		interrupted |= nlh->nlmsg_seq == sequence && nlh->nlmsg_flags & NLM_F_DUMP_INTR;
		nlh->nlmsg_flags &= (uint16_t)~NLM_F_DUMP_INTR;
	}
	return interrupted;
}

static ssize_t receive(const struct mnl_socket *nl, char *buffer, size_t size)
{
	ssize_t bytes;

	do
		bytes = mnl_socket_recvfrom(nl, buffer, size);
	while (bytes < 0 && errno == EINTR);
	return bytes;
}

// Sends a question and runs `cb` on the answer up to its end or error. 0 or -errno; -EINTR: all was
// read, but of a table that changed meanwhile.
static int ask(struct netlink *n, const struct nlmsghdr *nlh, mnl_cb_t cb, void *data)
{
	char buffer[BUFFER_BYTES] __attribute__((aligned(4)));
	unsigned port = mnl_socket_get_portid(n->ask);
	bool once = !(nlh->nlmsg_flags & (NLM_F_DUMP | NLM_F_ACK)), interrupted = false;
	uint32_t sequence = nlh->nlmsg_seq;
	ssize_t bytes;
	int rc;

	if (mnl_socket_sendto(n->ask, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		bytes = receive(n->ask, buffer, sizeof(buffer));
		if (bytes < 0)
			return -errno;
		interrupted |= take_interrupted(buffer, bytes, sequence);
		rc = mnl_cb_run(buffer, (size_t)bytes, sequence, port, cb, data);
		if (rc < 0 && errno != EPROTO) // EPROTO: the answer to an earlier question
			return -errno;
	} while ((rc > 0 && !once) || rc < 0);
	return interrupted ? -EINTR : 0;
}

static int dump(struct netlink *n, uint16_t type)
{
	char buffer[MNL_NLMSG_HDRLEN + 64] __attribute__((aligned(4)));
	struct nlmsghdr *nlh = begin(n, buffer, type, NLM_F_DUMP);

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifaddrmsg) > sizeof(struct ndmsg)
						? sizeof(struct ifaddrmsg)
						: sizeof(struct ndmsg));
	return ask(n, nlh, on_message, n);
}

struct route_answer {
	unsigned if_index;
	bool unicast;
	struct in6_addr hop;
};

static int on_route(const struct nlmsghdr *nlh, void *data)
{
	struct route_answer *answer = data;
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *oif = find_attr(nlh, sizeof(*rtm), RTA_OIF);
	const struct nlattr *gateway = find_attr(nlh, sizeof(*rtm), RTA_GATEWAY);
	const struct nlattr *via = find_attr(nlh, sizeof(*rtm), RTA_VIA);

	if (nlh->nlmsg_type != RTM_NEWROUTE)
		return MNL_CB_OK;
	answer->unicast = rtm->rtm_type == RTN_UNICAST;
	if (oif)
		answer->if_index = mnl_attr_get_u32(oif);
	if (gateway)
		get_ip(gateway, &answer->hop);
	else if (via && mnl_attr_get_payload_len(via) == 2 + 16) // IPv4 by an IPv6 router
		memcpy(&answer->hop, (const uint8_t *)mnl_attr_get_payload(via) + 2, 16);
	return MNL_CB_OK;
}

int netlink_route(struct netlink *n, const struct in6_addr *remote, struct in6_addr *hop)
{
	char buffer[MNL_NLMSG_HDRLEN + 256] __attribute__((aligned(4)));
	struct nlmsghdr *nlh = begin(n, buffer, RTM_GETROUTE, 0);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	struct route_answer answer = {.hop = *remote};
	int rc;

	rtm->rtm_family = family_of(remote);
	rtm->rtm_dst_len = address_is_ipv4(remote) ? 32 : 128;
	put_ip(nlh, RTA_DST, remote);
	rc = ask(n, nlh, on_route, &answer);
	if (rc != 0 || !answer.unicast)
		return -ENETUNREACH;
	if (answer.if_index != n->if_index)
		return -EXDEV;
	*hop = answer.hop;
	return 0;
}

struct neighbour_answer {
	const struct netlink *netlink;
	bool known;
	struct rte_ether_addr mac;
};

static int on_neighbour_answer(const struct nlmsghdr *nlh, void *data)
{
	struct neighbour_answer *answer = data;
	struct in6_addr ip;

	if (read_neighbour(answer->netlink, nlh, &ip, &answer->mac))
		answer->known = true;
	return MNL_CB_OK;
}

static struct nlmsghdr *begin_neighbour(
	struct netlink *n, char *buffer, uint16_t type, uint16_t flags, const struct in6_addr *ip)
{
	struct nlmsghdr *nlh = begin(n, buffer, type, flags);
	struct ndmsg *ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));

	ndm->ndm_family = family_of(ip);
	ndm->ndm_ifindex = (int)n->if_index;
	if (type == RTM_NEWNEIGH)
		ndm->ndm_flags = NTF_USE;
	put_ip(nlh, NDA_DST, ip);
	return nlh;
}

bool netlink_neighbour(struct netlink *n, const struct in6_addr *ip, struct rte_ether_addr *mac)
{
	char buffer[MNL_NLMSG_HDRLEN + 256] __attribute__((aligned(4)));
	struct neighbour_answer answer = {.netlink = n};
	struct nlmsghdr *nlh = begin_neighbour(n, buffer, RTM_GETNEIGH, 0, ip);

	if (ask(n, nlh, on_neighbour_answer, &answer) != 0 || !answer.known)
		return false;
	*mac = answer.mac;
	return true;
}

int netlink_neighbour_use(struct netlink *n, const struct in6_addr *ip)
{
	char buffer[MNL_NLMSG_HDRLEN + 256] __attribute__((aligned(4)));
	struct nlmsghdr *nlh =
		begin_neighbour(n, buffer, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_ACK, ip);

	return ask(n, nlh, on_message, n);
}

int netlink_set_mac(struct netlink *n, const struct rte_ether_addr *mac)
{
	char buffer[MNL_NLMSG_HDRLEN + 256] __attribute__((aligned(4)));
	struct nlmsghdr *nlh = begin(n, buffer, RTM_NEWLINK, NLM_F_ACK);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));

	ifi->ifi_index = (int)n->if_index;
	mnl_attr_put(nlh, IFLA_ADDRESS, RTE_ETHER_ADDR_LEN, mac);
	return ask(n, nlh, on_message, n);
}

// ---- all of it, at the start and when messages were lost

// Reads all addresses anew. -errno: those known before stay.
static int read_addresses(struct netlink *n)
{
	const struct addresses before = n->addresses;
	int rc = -EINTR;

	for (unsigned i = 0; i < DUMP_TRIES && rc == -EINTR; i++) {
		n->addresses.n = 0;
		rc = dump(n, RTM_GETADDR);
	}
	if (rc != 0)
		n->addresses = before;
	return rc;
}

// What was missed of neighbours is told again, or asked for: one dump will do, whole or not.
static int read_again(struct netlink *n)
{
	int rc = read_addresses(n);
	int rc_neighbours = dump(n, RTM_GETNEIGH);

	if (rc == 0 && rc_neighbours != -EINTR)
		rc = rc_neighbours;
	n->routes_changed = true;
	return rc;
}

void netlink_read(struct netlink *n)
{
	char buffer[BUFFER_BYTES] __attribute__((aligned(4)));
	ssize_t bytes;

	while ((bytes = receive(n->watch, buffer, sizeof(buffer))) > 0 ||
		(bytes < 0 && errno == ENOBUFS)) {
		if (bytes < 0)
			n->stale = true;
		else
			mnl_cb_run(buffer, (size_t)bytes, 0, 0, on_message, n);
	}
	// Behind all that was waiting, which is older than what was lost
	if (n->stale)
		n->stale = read_again(n) != 0;
	if (n->routes_changed) {
		n->routes_changed = false;
		n->ops->routes(n->arg);
	}
}

// ---- life

struct netlink *netlink_new(unsigned if_index, const struct netlink_ops *ops, void *arg)
{
	const unsigned groups = RTMGRP_LINK | RTMGRP_NEIGH | RTMGRP_IPV4_IFADDR |
				RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
	struct netlink *n = calloc(1, sizeof(*n));
	int rc;

	if (!n)
		return NULL;
	n->if_index = if_index;
	n->ops = ops;
	n->arg = arg;
	n->watch = open_socket(groups, SOCK_NONBLOCK);
	n->ask = open_socket(0, 0);
	rc = n->watch && n->ask ? read_addresses(n) : -errno;
	if (rc != 0) {
		netlink_free(n);
		errno = -rc;
		return NULL;
	}
	n->routes_changed = false;
	return n;
}

void netlink_free(struct netlink *n)
{
	if (!n)
		return;
	if (n->watch)
		mnl_socket_close(n->watch);
	if (n->ask)
		mnl_socket_close(n->ask);
	free(n);
}

int netlink_fd(const struct netlink *n)
{
	return mnl_socket_get_fd(n->watch);
}

bool netlink_has_address(const struct netlink *n, const struct in6_addr *ip)
{
	for (unsigned i = 0; i < n->addresses.n; i++)
		if (address_equal(&n->addresses.at[i].ip, ip))
			return true;
	return false;
}

unsigned netlink_addresses(const struct netlink *n, struct address out[], unsigned max)
{
	for (unsigned i = 0; i < n->addresses.n && i < max; i++)
		out[i] = n->addresses.at[i];
	return n->addresses.n;
}
