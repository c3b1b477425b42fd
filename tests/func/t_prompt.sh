#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The prompt of crowfly and of crowfly-engine -i on a pseudo-terminal of 80 columns: Tab, ?, history, Ctrl-C, Ctrl-D, log
# lines; and through pipes and files: order, exit statuses, no escape codes.
#
#   crowfly (terminal, pipe) --- socket --- crowfly-engine -i (terminal, pipe), two rings as ports
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# crowfly-engine with these options, in this process
cat >"$tmp/engine" <<END
#!/bin/sh
exec "$bin/crowfly-engine" --lcores "0@(0-$(($(nproc) - 1))),1@(0-$(($(nproc) - 1)))" \
	--no-huge -m 256 --no-shconf --no-pci --file-prefix $run-a --vdev=net_ring0 --vdev=net_ring1 \
	-- --wire net_ring0 --host net_ring1 --idle-sleep --host-address 192.168.50.1/24 \
	--wire-address 10.0.0.1/24 --socket "$tmp/engine.sock" "\$@"
END
chmod +x "$tmp/engine"
timeout 120 "$here/prompt.py" "$bin/crowfly" "$tmp/engine" "$tmp/engine.sock" "$tmp"
