#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The engine's API takes bad requests of every kind, and 10,000 sessions added and removed leave memory where it was.
# Namespace a has an engine; the client is a script at its socket.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

network
engine a
"$here/engine_api.py" "$tmp/engine-a.sock" "${pids[engine-a]}"
alive engine-a || fail "the engine has ended"
! grep -q "$(printf 'A%.0s' {1..40})" "$tmp/engine-a.log" || fail "a key is in the log"
