# shellcheck shell=bash
# What the demo and the functional tests share: the topology, processes, waiting, assertions, cleaning up.
#
#    namespace s                         namespace n                        namespaces a, b
#   +--------------------+     +-------------------------------+     +--------------------------------+
#   | crowfly-access     |     |             bridge            |     | crowfly-agent     ffmpeg       |
#   | eth0 10.77.0.1     |-----| port-s   (capture: link)      |     |   |                 |          |
#   |      fd77::1       |     |          (capture: wire)      |     | exc0 10.77.0.2|3  host0        |
#   +--------------------+     |                        port-a |--+  |   |  fd77::2|3      | 192.168. |
#                              |                        port-b |-+|  | crowfly-engine -----+   50.2   |
#                              +-------------------------------+ ||  |   | (host side 192.168.50.1)   |
#                                                                |+--| wire0 (AF_XDP, no address)     |
#                                                                +---| wire0 of b                     |
#                                                                    +--------------------------------+
# All names carry the pid of the script, so that two can run at a time; nothing leaves the namespaces.
set -Eeuo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
bin=$(cd "$top" && cd "${BUILD:-build}" && pwd)
run=cf$$
# For programs built with SAN=1: freed memory is not kept for long, as tests look at how much there is
export ASAN_OPTIONS=quarantine_size_mb=1 LSAN_OPTIONS=suppressions=$here/lsan.supp:print_suppressions=0
tmp=$(mktemp -d "${TMPDIR:-/tmp}/$run.XXXXXX")
declare -A pids=()
domain=example.org

# The addresses that programs are configured with: of the namespaces, of the application and the engine on the host side
use_ipv4() {
	declare -gA address=([s]=10.77.0.1 [a]=10.77.0.2 [b]=10.77.0.3)
	app_ip=192.168.50.2
	engine_ip=192.168.50.1
}
use_ipv6() {
	declare -gA address=([s]=fd77::1 [a]=fd77::2 [b]=fd77::3)
	app_ip=fd50::2
	engine_ip=fd50::1
}
use_ipv4
# at_port IP PORT
at_port() { [[ $1 == *:* ]] && echo "[$1]:$2" || echo "$1:$2"; }

# What a script says after everything else
last_line=

fail() {
	echo "FAIL: $*" >&2
	exit 1
}

# bench_refused TEXT ARGUMENT...: crowfly-bench ends with exit status 2 and says so
bench_refused() {
	local text=$1 status=0
	shift
	"$bin/crowfly-bench" "$@" >"$tmp/refused.log" 2>&1 || status=$?
	[ $status = 2 ] || fail "crowfly-bench $*: exit status $status"
	grep -q -- "$text" "$tmp/refused.log" || fail "crowfly-bench $*: $(cat "$tmp/refused.log")"
}

# Shows the logs of the programs, which is what one wants to read when a test has failed
show_logs() {
	local log
	for log in "$tmp"/*.log; do
		[ -s "$log" ] || continue
		echo "--- $(basename "$log")" >&2
		tail -n 25 "$log" >&2
	done
}

cleanup() {
	local status=$? name namespace
	trap - EXIT INT TERM ERR
	set +e
	# A signal may have come in a function whose output goes elsewhere
	exec >&8 2>&9 8>&- 9>&-
	for name in "${!pids[@]}"; do kill "${pids[$name]}" 2>/dev/null; done
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		for name in "${!pids[@]}"; do
			kill -0 "${pids[$name]}" 2>/dev/null || unset "pids[$name]"
		done
		[ ${#pids[@]} -gt 0 ] || break
		sleep 0.1
	done
	for name in "${!pids[@]}"; do kill -9 "${pids[$name]}"; done 2>/dev/null
	wait 2>/dev/null
	for namespace in a b s n; do ip netns del "$run-$namespace" 2>/dev/null; done
	rm -rf "/run/dpdk/$run-a" "/run/dpdk/$run-b"
	[ "$status" -eq 0 ] || show_logs
	rm -rf "$tmp"
	[ -z "$last_line" ] || echo "$last_line"
	exit "$status"
}
exec 8>&1 9>&2
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'echo "FAIL: ${BASH_SOURCE[0]##*/}:$LINENO: $BASH_COMMAND" >&2' ERR

[ "$(id -u)" -eq 0 ] || fail "needs root, to make network namespaces: sudo $0"

# ---- processes

# on NAMESPACE COMMAND...
on() {
	local namespace=$1
	shift
	ip netns exec "$run-$namespace" "$@"
}

# start NAME NAMESPACE COMMAND...: in the background, its output in $tmp/NAME.log
start() {
	local name=$1 namespace=$2
	shift 2
	ip netns exec "$run-$namespace" "$@" >>"$tmp/$name.log" 2>&1 </dev/null 8>&- 9>&- &
	pids[$name]=$!
}

alive() { kill -0 "${pids[$1]}" 2>/dev/null; }

# stop NAME [SIGNAL]: ends it and sets `ended` to its exit status
ended=0
stop() {
	local pid=${pids[$1]}
	kill "-${2:-TERM}" "$pid" 2>/dev/null || true
	finished "$1"
}

# finished NAME [SECONDS]: waits for its end and sets `ended` to its exit status
# shellcheck disable=SC2034
finished() {
	local pid=${pids[$1]} i
	# The shell would tell of a killed process
	{
		for ((i = 0; i < ${2:-10} * 10; i++)); do
			kill -0 "$pid" || break
			sleep 0.1
		done
		[ "$i" -lt $((${2:-10} * 10)) ] || kill -9 "$pid" || true
		ended=0
		wait "$pid" || ended=$?
	} 2>/dev/null
	unset "pids[$1]"
	[ "$i" -lt $((${2:-10} * 10)) ] || fail "$1 did not end within ${2:-10} s"
}

# wait_for SECONDS WHAT COMMAND...: until the command succeeds
wait_for() {
	local seconds=$1 what=$2 end
	shift 2
	end=$(($(now_ms) + seconds * 1000))
	until "$@" >/dev/null 2>&1; do
		[ "$(now_ms)" -lt "$end" ] || fail "not within $seconds s: $what"
		sleep 0.1
	done
}

now_ms() { date +%s%3N; }

# ---- assertions

# is WHAT ACTUAL EXPECTED
is() { [ "$2" = "$3" ] || fail "$1: $2, expected $3"; }
# at_least WHAT ACTUAL MINIMUM
at_least() { [ "$2" -ge "$3" ] || fail "$1: $2, expected at least $3"; }
# logged NAME TEXT
logged() { grep -q -- "$2" "$tmp/$1.log"; }

# ---- topology

# network: the namespaces, and the server's address
network() {
	local n
	for n in n s a b; do
		ip netns add "$run-$n"
		on "$n" sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0 \
			net.ipv4.ip_local_port_range="32768 39999"
		ip -n "$run-$n" link set lo up
	done
	ip -n "$run-n" link add bridge type bridge mcast_snooping 0
	ip -n "$run-n" link set bridge up
	for n in s a b; do
		local interface=wire0
		[ $n != s ] || interface=eth0
		ip -n "$run-n" link add "port-$n" type veth peer name $interface netns "$run-$n"
		ip -n "$run-n" link set dev "port-$n" master bridge up
		# AF_XDP takes packets as they are: the kernel must fill the checksums in
		on n ethtool -K "port-$n" tx off >/dev/null 2>&1
		on $n ethtool -K $interface tx off >/dev/null 2>&1
		ip -n "$run-$n" link set $interface up
	done
	give_address s eth0
}

# give_address NAMESPACE INTERFACE: the namespace's IPv4 and IPv6 addresses
give_address() {
	local -A number=([s]=1 [a]=2 [b]=3)
	ip -n "$run-$1" address add "10.77.0.${number[$1]}/24" dev "$2"
	ip -n "$run-$1" address add "fd77::${number[$1]}/64" dev "$2" nodad
}

# plain_host HOST: no engine, the kernel's own address on the wire
plain_host() { give_address "$1" wire0; }

# engine HOST [OPTION...]: starts crowfly-engine and gives its kernel interfaces their addresses
engine() {
	local h=$1
	shift
	on "$h" sysctl -qw net.ipv6.conf.wire0.disable_ipv6=1
	start "engine-$h" "$h" "$bin/crowfly-engine" --lcores "0@(0-$(($(nproc) - 1))),1@(0-$(($(nproc) - 1)))" \
		--no-huge -m 512 --no-shconf --no-pci --file-prefix "$run-$h" \
		--vdev=net_af_xdp0,iface=wire0 --vdev=net_tap0,iface=exc0 --vdev=net_tap1,iface=host0 \
		-- --wire net_af_xdp0 --host net_tap1 --exception net_tap0 --idle-sleep \
		--host-address 192.168.50.1/24 --host-address fd50::1/64 --socket "$tmp/engine-$h.sock" "$@"
	wait_for 15 "engine of $h ready" rpc "engine-$h" info
	alive "engine-$h" || fail "the engine of $h has ended"
	ip -n "$run-$h" link set exc0 up
	ip -n "$run-$h" link set host0 up
	give_address "$h" exc0
	ip -n "$run-$h" address add 192.168.50.2/24 dev host0
	ip -n "$run-$h" address add fd50::2/64 dev host0 nodad
}

# rpc NAME METHOD [PARAMS]: one request to $tmp/NAME.sock; prints the answer
rpc() { "$here/rpc.py" "$tmp/$1.sock" "$2" "${3:-{\}}"; }

# capture NAME NAMESPACE INTERFACE [FILTER...]: into $tmp/NAME.pcap, until `stop NAME`
capture() {
	local name=$1 namespace=$2 interface=$3
	shift 3
	start "$name" "$namespace" tcpdump -i "$interface" -s 0 -B 16384 -U -n --immediate-mode \
		-Z root -w "$tmp/$name.pcap" "$@"
	wait_for 5 "tcpdump on $interface" logged "$name" 'listening on'
}

pcap() { "$here/pcap.py" "$@"; }
# packets NAME [OPTION...]: how many of a kind a capture holds (pcap.py count)
packets() { pcap count "$tmp/$1.pcap" "${@:2}" | jq .packets; }

# ---- speech

# voice FILE TEXT: speech as WAV, 8 kHz mono
voice() {
	espeak-ng -w "$tmp/voice.wav" -s 190 "$2"
	ffmpeg -nostdin -loglevel error -y -i "$tmp/voice.wav" -ar 8000 -ac 1 "$1"
}

# speak NAME NAMESPACE WAV LOCAL REMOTE: ffmpeg sends it as RTP in real time, PCMU, 20 ms a packet
speak() {
	start "$1" "$2" ffmpeg -nostdin -loglevel error -i "$3" -af asetnsamples=160,arealtime -c:a pcm_mulaw \
		-f rtp -rtpflags skip_rtcp "udp://$5?localaddr=${4%:*}&localport=${4##*:}&reuse=1&pkt_size=172"
}

# record NAME NAMESPACE LOCAL REMOTE: what comes in, to $tmp/NAME.ulaw
record() {
	start "$1" "$2" "$here/rtp.py" record "$3" "$4" "$tmp/$1.ulaw"
	wait_for 10 "$1 listens" logged "$1" listening
}

# to_wav ULAW WAV
to_wav() { ffmpeg -nostdin -loglevel error -y -f mulaw -ar 8000 -ac 1 -i "$1" "$2"; }

# ---- access server, agents

aor() { echo "sip:$1@$domain"; }

# pki: an authority and the access server's certificate, below $tmp/pki
pki() {
	local d=$tmp/pki
	mkdir -p "$d"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=authority" \
		-keyout "$d/ca.key" -out "$d/ca.crt" 2>/dev/null
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=access.$domain" \
		-keyout "$d/server.key" -out "$d/server.csr" 2>/dev/null
	openssl x509 -req -in "$d/server.csr" -CA "$d/ca.crt" -CAkey "$d/ca.key" -CAcreateserial -days 2 \
		-extfile <(echo "subjectAltName=DNS:access.$domain,DNS:$domain") -out "$d/server.crt" 2>/dev/null
	chmod 600 "$d"/*.key
}

# password USER: its file
password() {
	[ -f "$tmp/$1.password" ] || (umask 077 && echo "secret of $1 $RANDOM$RANDOM" >"$tmp/$1.password")
	echo "$tmp/$1.password"
}

access_command() { "$bin/crowfly-access" "$@" --config "$tmp/access.conf"; }
permit() { access_command permit "$(aor "$1")" "$(aor "$2")" >>"$tmp/admin.log" 2>&1; }

# access_server USER...: makes the users and starts crowfly-access
access_server() {
	local user
	cat >"$tmp/access.conf" <<-END
		[access]
		listen = $(at_port "${address[s]}" 5061)
		domain = $domain
		certificate = $tmp/pki/server.crt
		key = $tmp/pki/server.key
		database = $tmp/access/access.db
		expires-min = 1
		nonce-lifetime = ${nonce_lifetime:-300}
		failures-per-minute = 10000
		${access_extra:-}
	END
	mkdir -p "$tmp/access"
	for user; do
		access_command user add "$(aor "$user")" --password-file "$(password "$user")" >>"$tmp/admin.log" 2>&1
	done
	access_start
}

access_start() {
	start access s "$bin/crowfly-access" --config "$tmp/access.conf"
	wait_for 10 "access server listens" logged access "listening on"
}

# agent HOST USER[:AUTO-ANSWER]... [-- "KEY = VALUE"...]: configures crowfly-agent, starts it, waits for all log-ins
declare -A home=()
agent() {
	local h=$1 user users=()
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		users+=("$1")
		shift
	done
	[ $# -eq 0 ] || shift
	agent_config "$h" "$@"
	for user in "${users[@]}"; do
		home[${user%:*}]=$h
		cat >>"$tmp/agent-$h.conf" <<-END
			[endpoint $(aor "${user%:*}")]
			password-file = $(password "${user%:*}")
			auto-answer = $([[ $user == *:* ]] && echo "${user#*:}" || echo yes)
		END
	done
	agent_start "$h"
	for user in "${users[@]}"; do wait_for 10 "${user%:*} logged in" registered "${user%:*}"; done
}

# agent_config HOST ["KEY = VALUE"...]: its main section
agent_config() {
	local h=$1
	shift
	mkdir -p "$tmp/state-$h"
	cat >"$tmp/agent-$h.conf" <<-END
		[agent]
		server = $(at_port "${address[s]}" 5061)
		server-name = access.$domain
		ca = $tmp/pki/ca.crt
		state-dir = $tmp/state-$h
		engine = $tmp/engine-$h.sock
		socket = $tmp/agent-$h.sock
		listen = $(at_port "${address[$h]}" 5061)
		engine-host-address = $engine_ip
		application-address = $app_ip
	END
	printf '%s\n' "$@" >>"$tmp/agent-$h.conf"
}

agent_start() {
	start "agent-$1" "$1" "$bin/crowfly-agent" --config "$tmp/agent-$1.conf"
	wait_for 10 "agent of $1 ready" test -S "$tmp/agent-$1.sock"
}

# crowfly HOST COMMAND...: the client at a host's agent
crowfly() {
	local h=$1
	shift
	"$bin/crowfly" -s "$tmp/agent-$h.sock" -j "$@"
}

# What the agent of a user's host says about it
endpoint() { rpc "agent-${home[$1]}" endpoint.list | jq -e --arg a "$(aor "$1")" '.endpoints[] | select(.aor == $a)'; }
peers_of() { rpc "agent-${home[$1]}" peer.list "{\"endpoint\":\"$(aor "$1")\"}" | jq -e .peers; }
peer() { peers_of "$1" | jq -e --arg a "$(aor "$2")" '.[] | select(.aor == $a)'; }
registered() { [ "$(endpoint "$1" | jq -r .state)" = registered ]; }
# peer_is USER PEER STATUS
peer_is() { [ "$(peer "$1" "$2" | jq -r .status)" = "$3" ]; }
# online USER N, confirmed USER N: how many of its peers are
online() { [ "$(peers_of "$1" | jq '[.[] | select(.status == "online")] | length')" = "$2" ]; }
confirmed() { [ "$(peers_of "$1" | jq '[.[] | select(.status == "online" and .confirmed)] | length')" = "$2" ]; }
# call_at HOST FROM TO: the call, unless it has ended
call_at() {
	rpc "agent-$1" call.list | jq -e --arg f "$(aor "$2")" --arg t "$(aor "$3")" \
		'.calls[] | select(.from == $f and .to == $t and .state != "ended")'
}
# place FROM TO: asks for a call; prints it, or the error
place() { rpc "agent-${home[$1]}" call.place "{\"from\":\"$(aor "$1")\",\"to\":\"$(aor "$2")\"}"; }
# Sessions of the tests' own, without agents. add_session HOST PEER-ADDRESS TX-KEY RX-KEY: its number
new_key() { head -c 28 /dev/urandom | base64; }
add_session() {
	rpc "engine-$1" session.add "{\"wire\":{\"local\":\"${address[$1]}:20000\",\"remote\":\"$2:20000\"},
		\"host\":{\"local\":\"$engine_ip:30000\",\"remote\":\"$app_ip:40000\"},
		\"suite\":\"AEAD_AES_128_GCM\",\"tx_key\":\"$3\",\"rx_key\":\"$4\"}" | jq .id
}
# session_between: engines a and b; its number at a is in `id`, its keys in key1 and key2
# shellcheck disable=SC2034
session_between() {
	key1=$(new_key)
	key2=$(new_key)
	id=$(add_session a "${address[b]}" "$key1" "$key2")
	add_session b "${address[a]}" "$key2" "$key1" >/dev/null
}
# sessions HOST: how many its engine has
sessions() { rpc "engine-$1" stats | jq -e .sessions; }
sessions_are() { [ "$(sessions "$1")" = "$2" ]; }
no_session() { [ "$(sessions a)" = 0 ] && [ "$(sessions b)" = 0 ]; }

# alice_and_bob: all that the two need to call each other, alice at host a and bob at host b, logged in
alice_and_bob() {
	network
	pki
	access_server alice bob
	permit alice bob
	engine a
	engine b
	agent b bob
	agent a alice
}

# talk NAME NAMESPACE LOCAL REMOTE [OPTION...]: an application that sends and checks RTP until `stop NAME`
talk() { start "$1" "$2" "$here/rtp.py" talk "${@:3}"; }
# call_and_talk FROM TO [OPTION...]: calls one who answers by himself, and the applications app-HOST of both talk (options
# as of `talk`). The call is in $placed, as FROM's host has it, and in $taken, as the other's has it
call_and_talk() {
	local a=${home[$1]} b=${home[$2]}
	placed=$(place "$1" "$2")
	is "call" "$(jq -r .state <<<"$placed")" established
	taken=$(call_at "$b" "$1" "$2")
	talk "app-$a" "$a" "$(jq -r .receive_at <<<"$placed")" "$(jq -r .send_to <<<"$placed")" "${@:3}"
	talk "app-$b" "$b" "$(jq -r .receive_at <<<"$taken")" "$(jq -r .send_to <<<"$taken")" "${@:3}"
}
# heard NAME FIELD: what the application reported at its end
heard() { tail -n 1 "$tmp/$1.log" | jq -e ".$2"; }
