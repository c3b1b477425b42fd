#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Every command of the client's table: its output, its JSON, what it refuses, against a running engine and agent; the rows
# are in commands/*.json, how they are written is said in commands.py. A command without a row fails.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

network
pki
access_server alice bob carol
permit alice bob
permit bob carol
engine a
engine b
agent b bob
agent a alice carol:no
placed=$(place alice bob)
is "call" "$(jq -r .state <<<"$placed")" established
taken=$(call_at b alice bob)

"$here/commands.py" "$bin/crowfly" "$(jq -nc --arg tmp "$tmp" --argjson placed "$placed" --argjson taken "$taken" '{
	tmp: $tmp, call: $placed.call, session: $placed.session, receive_at: $placed.receive_at, send_to: $placed.send_to,
	call_b: $taken.call, session_b: $taken.session,
	sockets: ([("engine", "agent") as $s | ("a", "b") as $h | {("\($s)-\($h)"): "\($tmp)/\($s)-\($h).sock"}] | add)}')"
