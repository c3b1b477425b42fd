#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# How the programs start and stop: ports not found, unknown keys, SIGTERM. Namespace a has the engine.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

network
eal=(--no-huge -m 128 --no-shconf --no-pci --file-prefix "$run-a" --lcores "0@0,1@0")

# refused WHAT TEXT COMMAND...: ends with an error that says TEXT
refused() {
	local what=$1 text=$2 said
	shift 2
	said=$(on a timeout 20 "$@" 2>&1) && fail "$what: it started"
	grep -qE -- "$text" <<<"$said" || fail "$what: said: $said"
	echo "ok: $what: $(grep -E -m1 -- "$text" <<<"$said")"
}

refused "wire port not there" "no device net_af_xdp0" "$bin/crowfly-engine" "${eal[@]}" --vdev=net_tap1,iface=host0 \
	-- --wire net_af_xdp0 --host net_tap1 --wire-address 10.77.0.2/24 --host-address $engine_ip/24 --socket "$tmp/e.sock"
refused "interface of the wire port not there" "no device net_af_xdp0" "$bin/crowfly-engine" "${eal[@]}" \
	--vdev=net_af_xdp0,iface=nowhere0 --vdev=net_tap1,iface=host0 \
	-- --wire net_af_xdp0 --host net_tap1 --wire-address 10.77.0.2/24 --host-address $engine_ip/24 --socket "$tmp/e.sock"
# wrong WHAT TEXT OPTION...: an option that is refused before anything is started
wrong() {
	local what=$1 text=$2 status=0
	shift 2
	refused "$what" "$text" "$bin/crowfly-engine" "${eal[@]}" --vdev=net_null0 --vdev=net_null1 -- "$@"
	on a "$bin/crowfly-engine" "${eal[@]}" -- "$@" >/dev/null 2>&1 || status=$?
	is "$what: exit status" "$status" 2
}
wrong "one device for two ports" "host: net_null0 is the wire port" --wire net_null0 --host net_null0 --host-address 10.1.0.1/24
wrong "one device for wire and exception" "exception: net_null0 is the wire port" --wire net_null0 --host net_null1 \
	--exception net_null0 --host-address 10.1.0.1/24
wrong "no host-address" "host-address is missing" --wire net_null0 --host net_null1 --wire-address 10.1.0.1/24
wrong "no wire-address" "wire-address is missing" --wire net_null0 --host net_null1 --host-address 10.1.0.1/24
wrong "malformed host-address" "host-address: expected an address.*10.1.0.1/77" --wire net_null0 --host net_null1 \
	--host-address 10.1.0.1/77
gateway() { wrong "wire-gateway $1" "$2" --wire net_null0 --host net_null1 --host-address 10.1.0.1/24 "${@:3}"; }
gateway "in no network" "wire-gateway: 10.2.0.1 is in no network of wire-address" --wire-address 10.3.0.2/24 --wire-gateway 10.2.0.1
gateway "with a length" "expected an address like 192.168.50.1, got '10.3.0.1/24'" --wire-address 10.3.0.2/24 --wire-gateway 10.3.0.1/24
gateway "twice" "two of one family" --wire-address 10.3.0.2/24 --wire-gateway 10.3.0.1,10.3.0.3
gateway "three times" "more than 2 addresses" --wire-address 10.3.0.2/24 --wire-gateway "10.3.0.1 fe80::1 10.3.0.3"
gateway "and a kernel" "the kernel's routes count" --wire-address 10.3.0.2/24 --wire-gateway 10.3.0.1 --exception net_null2
refused "no folder for the socket" "socket: $tmp/none/none/e.sock: No such file" "$bin/crowfly-engine" "${eal[@]}" \
	--vdev=net_null0 --vdev=net_null1 -- --wire net_null0 --host net_null1 --wire-address 10.77.0.2/24 \
	--host-address $engine_ip/24 --socket "$tmp/none/none/e.sock"
refused "unknown option" nonsense "$bin/crowfly-engine" "${eal[@]}" -- --nonsense 1
printf '[engine]\nwire = net_null0\n# a comment\ncolour = green\n' >"$tmp/engine.conf"
refused "unknown key of the engine" 'engine\.conf:4.*colour' \
	"$bin/crowfly-engine" "${eal[@]}" -- --config "$tmp/engine.conf"
printf '[agent]\ncolour = green\n' >"$tmp/agent.conf"
refused "unknown key of the agent" 'agent\.conf:2.*colour.*known: server, .*, \.\.\.\)' "$bin/crowfly-agent" --config "$tmp/agent.conf"
printf '[access]\n\n\ncolour = green\n' >"$tmp/access.conf"
refused "unknown key of the access server" 'access\.conf:4.*colour' "$bin/crowfly-access" --config "$tmp/access.conf"
refused "misspelt exception-interface" \
	"exception-interface: the kernel has no interface exc7 \(that of net_tap0 is exc0\)" \
	"$bin/crowfly-engine" "${eal[@]}" --vdev=net_null0 --vdev=net_null1 --vdev=net_tap0,iface=exc0 \
	-- --wire net_null0 --host net_null1 --exception net_tap0 --exception-interface exc7 \
	--host-address $engine_ip/24 --socket "$tmp/e.sock"
refused "exception-interface of a device without one" \
	"exception-interface: the kernel has no interface exc7 \(expected that of net_null2\)" \
	"$bin/crowfly-engine" "${eal[@]}" --vdev=net_null0 --vdev=net_null1 --vdev=net_null2 \
	-- --wire net_null0 --host net_null1 --exception net_null2 --exception-interface exc7 \
	--host-address $engine_ip/24 --socket "$tmp/e.sock"
refused "exception port without a known interface" "net_null2: .* give exception-interface" \
	"$bin/crowfly-engine" "${eal[@]}" --vdev=net_null0 --vdev=net_null1 --vdev=net_null2 \
	-- --wire net_null0 --host net_null1 --exception net_null2 --host-address $engine_ip/24 --socket "$tmp/e.sock"

# Wrong usage is said plainly, and not as a line of the log
usage() {
	local program=$1 text=$2 said status=0
	shift 2
	said=$("$bin/$program" "$@" 2>&1 >/dev/null) || status=$?
	is "$program $*: exit status" "$status" 2
	is "$program $*" "$said" "$program: $text"
}
usage crowfly-agent "--config: $tmp/none: No such file or directory" --config "$tmp/none"
usage crowfly-agent "unknown option '--colour' (see --help)" --colour green
usage crowfly-agent "server = HOST:PORT is missing"
usage crowfly-agent "unexpected argument 'x'" x
usage crowfly-access "--config: $tmp/none: No such file or directory" --config "$tmp/none"
usage crowfly-access "unknown option '--colour' (see --help)" --colour green
usage crowfly-engine "--config: $tmp/none: No such file or directory" --config "$tmp/none"

# Every kind of port that needs no hardware: the engine starts, answers and stops
stops() {
	local what=$1
	shift
	start "engine" a "$bin/crowfly-engine" "${eal[@]}" "$@" \
		--host-address $engine_ip/24 --socket "$tmp/engine-x.sock" --idle-sleep
	wait_for 15 "$what: ready" rpc engine-x info
	[ "$(stat -c %a "$tmp/engine-x.sock")" = 600 ] || fail "mode of the socket"
	stop engine
	is "$what: exit status on SIGTERM" "$ended" 0
	[ ! -e "$tmp/engine-x.sock" ] || fail "$what: the socket is still there"
	echo "ok: $what"
}
stops af_packet --vdev=net_af_packet0,iface=wire0 --vdev=net_tap1,iface=host0 \
	-- --wire net_af_packet0 --host net_tap1 --wire-address 10.77.0.2/24
stops "wire-gateway" --vdev=net_ring0 --vdev=net_ring1 -- --wire net_ring0 --host net_ring1 \
	--wire-address 10.77.0.2/24 --wire-address fd00::2/64 --wire-gateway 10.77.0.1 --wire-gateway fe80::1
stops memif --vdev=net_af_packet0,iface=wire0 \
	--vdev="net_memif0,role=server,socket=$tmp/memif.sock,socket-abstract=no" \
	-- --wire net_af_packet0 --host net_memif0 --wire-address 10.77.0.2/24
stops ring --vdev=net_ring0 --vdev=net_ring1 -- --wire net_ring0 --host net_ring1 --wire-address 10.77.0.2/24
stops "libsrtp2 back end" --vdev=net_null0 --vdev=net_null1 \
	-- --wire net_null0 --host net_null1 --wire-address 10.77.0.2/24 --crypto libsrtp2

# Sessions there at SIGTERM do not hold it up
engine a
rpc engine-a session.add "{\"wire\":{\"local\":\"10.77.0.2:20000\",\"remote\":\"10.77.0.3:20000\"},
	\"host\":{\"local\":\"$engine_ip:30000\",\"remote\":\"$app_ip:40000\"},\"suite\":\"AES_CM_128_HMAC_SHA1_80\",
	\"tx_key\":\"$(head -c 30 /dev/urandom | base64)\",\"rx_key\":\"$(head -c 30 /dev/urandom | base64)\"}"
stop engine-a
is "exit status on SIGTERM with a session" "$ended" 0

# A second signal does not cut the end short, and after kill -9 the socket left behind is no obstacle
engine b
kill -TERM "${pids[engine-b]}"
stop engine-b
is "exit status on SIGTERM twice" "$ended" 0
engine b
stop engine-b KILL
[ -S "$tmp/engine-b.sock" ] || fail "no socket is left by kill -9"
engine b
wait_for 5 "the engine answers after kill -9" rpc engine-b info
refused "socket of a running engine" "socket: .*in use" "$bin/crowfly-engine" "${eal[@]}" --vdev=net_null0 --vdev=net_null1 \
	-- --wire net_null0 --host net_null1 --wire-address 10.77.0.2/24 --host-address $engine_ip/24 \
	--socket "$tmp/engine-b.sock"
rpc engine-b info >/dev/null
stop engine-b
is "exit status" "$ended" 0
