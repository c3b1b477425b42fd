#!/usr/bin/env bash
# Checks the one-way rule of the folders: who may include whose headers.
#   crypto, pktio        know neither each other nor anything above them
#   engine               sees pktio and crypto
#   control/{sip}        sees engine/base and engine/api.h;  access and agent see control/sip besides
#   bench, tests         see all; nobody sees them
set -euo pipefail
cd "$(dirname "$0")/.."

base='engine/base/[a-z_]+\.h'
fail=0

# check FOLDER ALLOWED: every #include "..." below FOLDER must match ALLOWED (a regular expression)
check() {
	local bad
	bad=$(grep -rnE --include='*.[ch]' '^#include "' "$1" 2>/dev/null | grep -vE "#include \"($2)\"" || true)
	[ -z "$bad" ] || { echo "includes: not allowed in $1/:"; echo "$bad"; fail=1; }
}

check crypto "crypto/[a-z_0-9]+\.h"
check pktio "pktio/[a-z_0-9]+\.h|$base"
check engine/base "$base"
check engine/client "engine/client/[a-z_]+\.h|engine/(api|drop)\.h|$base"
check engine "(engine|engine/base|engine/client|pktio|crypto)/[a-z_0-9]+\.h"
check control/sip "control/sip/[a-z_0-9]+\.h|engine/api\.h|$base"
check control/access "control/(sip|access)/[a-z_0-9]+\.h|$base"
check control/agent "control/(sip|agent)/[a-z_0-9]+\.h|engine/api\.h|$base"

# The access server could not relay if it wanted to, and the control programs hold no packet memory
bad=$(grep -rnE --include='*.[ch]' '#include <(rte_|intel-ipsec-mb|srtp2)' control || true)
[ -z "$bad" ] || { echo "includes: control/ must not use packet or SRTP libraries:"; echo "$bad"; fail=1; }
exit $fail
