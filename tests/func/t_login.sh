#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Not one byte of profile, routes or token without good credentials (C1): a raw client in namespace a against the
# access server in s. And what the server says is SIP to a stock decoder (C0).
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

nonce_lifetime=3 # lib.sh: of the access server
network
plain_host a
pki
access_server alice bob
permit alice bob
capture login a wire0 tcp port 5061
export SSLKEYLOGFILE=$tmp/keys SIP_TMP=$tmp
on a "$here/login.py" "10.77.0.1:5061" "$tmp/pki/ca.crt" "$(password alice)" "$(password bob)"
stop access
is "exit status on SIGTERM" "$ended" 0

stop login
decoded=$(tshark -r "$tmp/login.pcap" -o "tls.keylog_file:$tmp/keys" -Y 'sip' -T fields -e sip.Method \
	-e sip.Status-Code -e _ws.malformed 2>/dev/null)
# matching PATTERN: how many messages
matching() { grep -cP -- "$1" <<<"$decoded" || true; }
at_least "REGISTERs decoded by tshark" "$(matching '^REGISTER')" 20
at_least "200 decoded by tshark" "$(matching '^\t200\t$')" 1
is "malformed for tshark" "$(matching '\t[^\t]+$')" 0
