#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# All of it over IPv6: access server, agents, SRTP on the wire, plain RTP on the host side.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

use_ipv6
network
pki
access_server alice bob
permit alice bob
engine a
engine b
capture wire n port-a
capture link s eth0
agent b bob
agent a alice
wait_for 5 "bob notified" online bob 1
is "bob's contact" "$(peer alice bob | jq -r .contact | grep -o '\[fd77::3\]:5061')" '[fd77::3]:5061'
call_and_talk alice bob --packets 150
is "where to send" "$(jq -r .send_to <<<"$placed" | grep -o 'fd50::1')" fd50::1
for h in a b; do
	finished app-$h
	is "sent by $h" "$(heard app-$h sent)" 150
done
# The first packets of one may be before the other listens
for h in a b; do
	at_least "received at $h" "$(heard app-$h received)" 100
	is "lost, wrong, duplicate at $h" "$(heard app-$h 'lost + .wrong + .duplicates')" 0
done
rpc agent-b call.hang_up '{"all": true}' >/dev/null
wait_for 3 "sessions gone" no_session
stop wire
stop link
at_least "SRTP packets over IPv6" "$(packets wire --between fd77::2 fd77::3 --udp)" 290
is "IPv4 packets between the hosts" "$(packets wire --between 10.77.0.2 10.77.0.3)" 0
is "packets of the sessions on the server's link" "$(packets link --between fd77::2 fd77::3)" 0
