// SPDX-License-Identifier: BSD-3-Clause
// What the kernel tells of an interface, in a network namespace of the test's own (needs root).
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pktio/netlink.h"

static struct {
	unsigned neighbours, routes;
	struct in6_addr ip;
	struct rte_ether_addr mac;
} seen;

static void on_neighbour(void *arg, const struct in6_addr *ip, const struct rte_ether_addr *mac)
{
	(void)arg;
	seen.neighbours++;
	seen.ip = *ip;
	seen.mac = *mac;
}

static void on_routes(void *arg)
{
	(void)arg;
	seen.routes++;
}

// Stands before libmnl's: what the kernel does on a busy machine alone, it does here when told to.
// A dump is counted when its end is read.
static struct {
	unsigned interrupt, fail; // so many dumps to come
	unsigned lose;		  // so many calls on the watching socket
	unsigned dumps;
} kernel;

static bool holds_end(const struct nlmsghdr *nlh, ssize_t bytes)
{
	for (int left = (int)bytes; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
		if (nlh->nlmsg_type == NLMSG_DONE)
			return true;
	return false;
}

static ssize_t meddle(struct nlmsghdr *nlh, ssize_t bytes)
{
	bool dump = bytes > 0 && nlh->nlmsg_flags & NLM_F_MULTI;
	bool end = dump && holds_end(nlh, bytes);

	kernel.dumps += end;
	if (dump && kernel.interrupt > 0) {
		nlh->nlmsg_flags |= NLM_F_DUMP_INTR;
		kernel.interrupt -= end;
	} else if (end && kernel.fail > 0) {
		kernel.fail--;
		errno = EAGAIN;
		return -1;
	}
	return bytes;
}

ssize_t mnl_socket_recvfrom(const struct mnl_socket *nl, void *buffer, size_t size)
{
	int blocks = !(fcntl(mnl_socket_get_fd(nl), F_GETFL) & O_NONBLOCK);

	if (!blocks && kernel.lose > 0) {
		kernel.lose--;
		errno = ENOBUFS;
		return -1;
	}
	return meddle(buffer, recv(mnl_socket_get_fd(nl), buffer, size, 0));
}

static const struct netlink_ops ops = {on_neighbour, on_routes};
static const struct rte_ether_addr peer = {{2, 0, 0, 0, 0, 7}};

static void sh(const char *command)
{
	cr_assert_eq(system(command), 0, "%s", command);
}

static struct in6_addr ip(const char *text)
{
	struct address a;

	cr_assert_eq(address_parse(text, &a), 0);
	return a.ip;
}

static struct netlink *start(void)
{
	struct netlink *n;

	cr_assert_eq(unshare(CLONE_NEWNET), 0, "needs root");
	sh("ip link set lo up");
	sh("sysctl -qw net.ipv6.conf.default.accept_dad=0");
	sh("ip link add left type veth peer name right");
	sh("ip link add other type veth peer name another");
	sh("ip link set left up && ip link set right up && ip link set other up");
	sh("ip link set another up");
	sh("ip address add 10.0.0.1/24 dev left");
	sh("ip address add 2001:db8::1/64 dev left nodad");
	sh("ip address add 10.9.0.1/24 dev other");
	n = netlink_new(if_nametoindex("left"), &ops, NULL);
	cr_assert_not_null(n);
	return n;
}

static bool has(struct netlink *n, const char *text)
{
	struct in6_addr address = ip(text);

	return netlink_has_address(n, &address);
}

Test(netlink, addresses_come_and_go)
{
	struct netlink *n = start();
	struct address addresses[8];

	cr_assert(has(n, "10.0.0.1"));
	cr_assert(has(n, "2001:db8::1"));
	cr_assert_not(has(n, "10.9.0.1"), "of another interface");
	cr_assert_not(has(n, "127.0.0.1"));
	cr_assert_geq(netlink_addresses(n, addresses, 8), 2);
	sh("ip address add 10.0.7.1/30 dev left && ip address del 10.0.0.1/24 dev left");
	netlink_read(n);
	cr_assert(has(n, "10.0.7.1"));
	cr_assert_not(has(n, "10.0.0.1"));
	cr_assert_geq(seen.routes, 1);
	netlink_free(n);
}

// The table changes under the first dumps; one that is not interrupted ends it.
Test(netlink, an_interrupted_dump_is_read_again)
{
	struct netlink *n;

	kernel.interrupt = 3;
	n = start();
	cr_assert_eq(kernel.dumps, 4);
	cr_assert(has(n, "10.0.0.1"));
	cr_assert(has(n, "2001:db8::1"));
	netlink_free(n);
}

Test(netlink, a_dump_interrupted_without_end_is_given_up)
{
	cr_assert_eq(unshare(CLONE_NEWNET), 0, "needs root");
	sh("ip link set lo up");
	kernel.interrupt = 1000;
	cr_assert_null(netlink_new(if_nametoindex("lo"), &ops, NULL));
	cr_assert_eq(errno, EINTR);
	cr_assert_leq(kernel.dumps, 16);
}

// Messages are lost, and no dump succeeds: what was known stays, and the next call tries again.
Test(netlink, a_loss_that_cannot_be_made_good_takes_nothing_away)
{
	struct netlink *n = start();

	sh("ip address add 10.0.7.1/30 dev left && ip address del 10.0.0.1/24 dev left");
	while (recv(netlink_fd(n), &(char[65536]){0}, 65536, 0) > 0) // the messages that were lost
		;
	kernel.lose = 1;
	kernel.interrupt = 1000;
	netlink_read(n);
	cr_assert(has(n, "10.0.0.1"));
	cr_assert(has(n, "2001:db8::1"));
	kernel.interrupt = 0;
	kernel.fail = 2;
	netlink_read(n);
	cr_assert(has(n, "10.0.0.1"));
	seen.routes = 0;
	netlink_read(n);
	cr_assert_not(has(n, "10.0.0.1"));
	cr_assert(has(n, "10.0.7.1"));
	cr_assert(has(n, "2001:db8::1"));
	cr_assert_eq(seen.routes, 1);
	kernel.dumps = 0;
	netlink_read(n);
	cr_assert_eq(kernel.dumps, 0, "read once");
	netlink_free(n);
}

// What waits in the socket is older than what was lost: it must not undo what is read anew.
Test(netlink, what_is_read_anew_is_newer_than_what_waits)
{
	struct netlink *n = start();
	const int small = 1;

	cr_assert_eq(setsockopt(netlink_fd(n), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	sh("ip address del 10.0.0.1/24 dev left");
	sh("for i in $(seq 100); do ip address add 10.0.7.1/30 dev left; "
	   "ip address del 10.0.7.1/30 dev left; done; ip address add 10.0.0.1/24 dev left");
	netlink_read(n);
	cr_assert(has(n, "10.0.0.1"));
	cr_assert_not(has(n, "10.0.7.1"));
	cr_assert_geq(kernel.dumps, 2);
	netlink_free(n);
}

Test(netlink, routes)
{
	struct netlink *n = start();
	struct in6_addr hop, direct = ip("10.0.0.2"), far = ip("203.0.113.5"), own = ip("10.0.0.1"),
			     elsewhere = ip("10.9.0.2"), direct6 = ip("2001:db8::2"),
			     far6 = ip("2001:db8:9::2"), gateway = ip("10.0.0.254"),
			     gateway6 = ip("2001:db8::ff");

	cr_assert_eq(netlink_route(n, &direct, &hop), 0);
	cr_assert(address_equal(&hop, &direct));
	cr_assert_eq(netlink_route(n, &direct6, &hop), 0);
	cr_assert(address_equal(&hop, &direct6));
	cr_assert_eq(netlink_route(n, &far, &hop), -ENETUNREACH);
	cr_assert_eq(netlink_route(n, &far6, &hop), -ENETUNREACH);
	cr_assert_eq(netlink_route(n, &elsewhere, &hop), -EXDEV);
	cr_assert_eq(netlink_route(n, &own, &hop), -ENETUNREACH, "to ourselves");
	sh("ip route add default via 10.0.0.254");
	sh("ip -6 route add default via 2001:db8::ff");
	netlink_read(n);
	cr_assert_geq(seen.routes, 1);
	cr_assert_eq(netlink_route(n, &far, &hop), 0);
	cr_assert(address_equal(&hop, &gateway));
	cr_assert_eq(netlink_route(n, &far6, &hop), 0);
	cr_assert(address_equal(&hop, &gateway6));
	sh("ip route add blackhole 203.0.113.0/24");
	cr_assert_eq(netlink_route(n, &far, &hop), -ENETUNREACH);
	netlink_free(n);
}

Test(netlink, neighbours)
{
	struct netlink *n = start();
	struct in6_addr known = ip("10.0.0.2"), known6 = ip("2001:db8::2"), asked = ip("10.0.0.3");
	struct rte_ether_addr mac;

	cr_assert_not(netlink_neighbour(n, &known, &mac));
	sh("ip neighbour add 10.0.0.2 lladdr 02:00:00:00:00:07 dev left");
	sh("ip neighbour add 2001:db8::2 lladdr 02:00:00:00:00:07 dev left");
	sh("ip neighbour add 10.9.0.2 lladdr 02:00:00:00:00:08 dev other");
	netlink_read(n);
	cr_assert_eq(seen.neighbours, 2);
	cr_assert(address_equal(&seen.ip, &known6));
	cr_assert_arr_eq(&seen.mac, &peer, 6);
	cr_assert(netlink_neighbour(n, &known, &mac));
	cr_assert_arr_eq(&mac, &peer, 6);
	cr_assert(netlink_neighbour(n, &known6, &mac));
	// asked for: the kernel begins to resolve it
	cr_assert_eq(netlink_neighbour_use(n, &asked), 0);
	sh("ip neighbour show dev left | grep -q '^10.0.0.3 .*INCOMPLETE'");
	cr_assert_not(netlink_neighbour(n, &asked, &mac));
	cr_assert_eq(netlink_neighbour_use(n, &known), 0, "of a permanent one, too");
	netlink_free(n);
}

Test(netlink, sets_the_mac_address)
{
	struct netlink *n = start();

	cr_assert_eq(netlink_set_mac(n, &peer), 0);
	sh("ip link show left | grep -q 02:00:00:00:00:07");
	netlink_free(n);
}
