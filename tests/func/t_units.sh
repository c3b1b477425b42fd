#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The systemd units as `make install` puts them in place: systemd takes them, finds little to attack; engine and agent
# run as users with the capabilities of their units alone (host a), and serve the groups that they shall. No service manager is needed.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# A user that is not root must reach what is below
chmod 711 "$tmp"
make -s -C "$top" install ${SAN:+SAN=$SAN} PREFIX="$tmp/usr" >"$tmp/install.log" 2>&1
units=$tmp/usr/lib/systemd/system
is "units installed" "$(cd "$units" && echo *)" "crowfly-access.service crowfly-agent.service crowfly-engine.service"
for f in man/man1/crowfly.1 man/man8/crowfly-engine.8 man/man8/crowfly-host-setup.8 bash-completion/completions/crowfly crowfly/examples/agent.conf \
	crowfly/grafana/crowfly.json crowfly/prometheus/rules.yml; do
	[ -s "$tmp/usr/share/$f" ] || fail "make install: no share/$f"
done
is "what makes a host fit" "$("$tmp/usr/sbin/crowfly-host-setup" status | grep -c nr_hugepages)" \
	"$(find /sys/devices/system/node/node*/hugepages -name nr_hugepages | wc -l)"
if grep -rq "@bindir@" "$units"; then fail "a placeholder is left"; fi

# verify says nothing of a good unit, and exits 0 also for an unknown key
said=$(systemd-analyze verify "$units"/*.service 2>&1) || fail "systemd-analyze verify: $said"
is "what systemd-analyze verify says" "$said" ""
sed 's/^ProtectHome=/ProtectHomes=/' "$units/crowfly-agent.service" >"$tmp/crowfly-wrong.service"
[ -n "$(systemd-analyze verify "$tmp/crowfly-wrong.service" 2>&1)" ] || fail "verify does not see an unknown key"

# exposure UNIT TENTHS: at most so much, of 100
exposure() {
	systemd-analyze security --no-pager --offline=true --threshold="$2" "$units/$1.service" >"$tmp/security" 2>&1 ||
		fail "$1: $(tail -n 1 "$tmp/security")"
}
exposure crowfly-engine 30
exposure crowfly-agent 15
exposure crowfly-access 15
mkdir "$units/crowfly-engine.service.d"
cp "$tmp/usr/share/crowfly/af-xdp.conf" "$units/crowfly-engine.service.d/"
said=$(systemd-analyze verify "$units/crowfly-engine.service" 2>&1) || fail "systemd-analyze verify with af-xdp.conf: $said"
is "what systemd-analyze verify says of af-xdp.conf" "$said" ""
exposure crowfly-engine 45
grep -v '^Protect' "$units/crowfly-agent.service" >"$units/bare.service"
! (exposure bare 15) 2>/dev/null || fail "the threshold lets everything pass"

# Users, groups and the folder of the sockets
root=$tmp/root
mkdir -p "$root/etc" "$root/run"
systemd-sysusers --root="$root" "$tmp"/usr/lib/sysusers.d/*.conf >"$tmp/sysusers.log" 2>&1
is "users" "$(cut -d: -f1 "$root/etc/passwd" | sort | xargs)" "crowfly-access crowfly-agent crowfly-engine"
is "members of crowfly" "$(sed -n 's/^crowfly:.*://p' "$root/etc/group" | tr , '\n' | sort | xargs)" "crowfly-agent crowfly-engine"
systemd-tmpfiles --root="$root" --create "$tmp/usr/lib/tmpfiles.d/crowfly.conf" >"$tmp/tmpfiles.log" 2>&1
is "mode of /run/crowfly" "$(stat -c %a "$root/run/crowfly")" 1775
for p in engine agent access; do
	is "user of crowfly-$p" "$(sed -n 's/^User=//p' "$units/crowfly-$p.service")" "crowfly-$p"
done

# The engine with a user, the group and the capabilities of its unit
network
engine_uid=64001 agent_uid=64002 group=64010
# capabilities FILE...: as setpriv wants them
capabilities() {
	sed -n 's/^AmbientCapabilities=//p' "$@" | tr '[:upper:]\n' '[:lower:] ' | sed 's/ *$//; s/cap_/+/g; s/ /,/g; s/^/-all,/'
}
as() { setpriv --reuid "$1" --regid "$1" --groups "$2" --no-new-privs "${@:3}"; }
mkdir -p "$tmp/run" "$tmp/engine-run"
chown "root:$group" "$tmp/run" && chmod 1775 "$tmp/run"
chown $engine_uid "$tmp/engine-run"
on a sysctl -qw net.ipv6.conf.wire0.disable_ipv6=1
# engine_as CAPABILITIES DRIVER: its wire port by that driver
engine_as() {
	RUNTIME_DIRECTORY=$tmp/engine-run start engine a setpriv --reuid $engine_uid --regid $engine_uid --groups $group \
		--no-new-privs --inh-caps "$1" --ambient-caps "$1" --bounding-set "$1" "$tmp/usr/bin/crowfly-engine" \
		--lcores "0@(0-$(($(nproc) - 1))),1@(0-$(($(nproc) - 1)))" --no-huge -m 512 --no-shconf --no-pci \
		--file-prefix "$run-a" "--vdev=$2,iface=wire0" --vdev=net_tap0,iface=exc0 --vdev=net_tap1,iface=host0 \
		-- --wire "$2" --host net_tap1 --exception net_tap0 --idle-sleep --host-address $engine_ip/24 \
		--socket "$tmp/run/engine.sock" --socket-group $group
	wait_for 15 "engine ready" logged engine "ready, API at"
}
engine_as "$(capabilities "$units/crowfly-engine.service" "$tmp/usr/share/crowfly/af-xdp.conf")" net_af_xdp0
stop engine
is "status with net_af_xdp" "$ended" 0
rm "$tmp/engine.log"
engine_as "$(capabilities "$units/crowfly-engine.service")" net_af_packet0
is "its effective user" "$(awk '/^Uid:/ {print $3}' "/proc/${pids[engine]}/status")" $engine_uid
is "mode and group of the socket" "$(stat -c '%a %g' "$tmp/run/engine.sock")" "660 $group"
# ask UID GROUP [SOCKET METHOD]
ask() { as "$1" "$2" "$here/rpc.py" "$tmp/run/${3:-engine.sock}" "${4:-info}"; }
ask $agent_uid $group >/dev/null || fail "a member of the group is not served"
ask $engine_uid $engine_uid >/dev/null || fail "the engine's own user is not served"
! ask $agent_uid $agent_uid >/dev/null 2>&1 || fail "anybody is served"
# Nor if the file's mode lets them in
chmod 666 "$tmp/run/engine.sock"
! ask $agent_uid $agent_uid >/dev/null 2>&1 || fail "anybody is served who can open the socket"
ask $agent_uid $group >/dev/null
stop engine
is "status" "$ended" 0

# The agent, with a group whose members may use its socket
pki
echo secret >"$tmp/run/alice.password"
mkdir "$tmp/state"
chmod 600 "$tmp/run/alice.password"
chmod 755 "$tmp/pki"
chown $agent_uid "$tmp/run/alice.password" "$tmp/state"
cat >"$tmp/agent.conf" <<-END
	[agent]
	server = 127.0.0.1:5061
	ca = $tmp/pki/ca.crt
	state-dir = $tmp/state
	listen = 127.0.0.1:5062
	engine-host-address = $engine_ip
	application-address = $app_ip
	engine = $tmp/run/engine.sock
	socket = $tmp/run/agent.sock
	[endpoint sip:alice@$domain]
	password-file = $tmp/run/alice.password
END
chmod 644 "$tmp/agent.conf"
agent_with() { start agent a setpriv --reuid $agent_uid --regid $agent_uid --groups $group --no-new-privs --bounding-set=-all \
	"$tmp/usr/bin/crowfly-agent" --config "$tmp/agent.conf" --socket-group "$1"; }
agent_with $group
wait_for 10 "agent ready" test -S "$tmp/run/agent.sock"
is "mode and group of the agent's socket" "$(stat -c '%a %g' "$tmp/run/agent.sock")" "660 $group"
ask $engine_uid $group agent.sock endpoint.list >/dev/null || fail "a member of the group is not served by the agent"
! ask $engine_uid $engine_uid agent.sock endpoint.list >/dev/null 2>&1 || fail "the agent serves anybody"
stop agent
is "status of the agent" "$ended" 0
agent_with nobodys-group
finished agent
is "status of the agent with an unknown group" "$ended" 1
logged agent "socket-group nobodys-group: no such group" || fail "the agent's log does not name the group"

start engine a "$bin/crowfly-engine" --no-huge -m 128 --no-shconf --no-pci --file-prefix "$run-a" --vdev=net_null0 \
	--vdev=net_null1 -- --wire net_null0 --host net_null1 --wire-address 10.77.0.2/24 --host-address $engine_ip/24 \
	--socket "$tmp/e.sock" --socket-group nobodys-group
finished engine
is "status with an unknown group" "$ended" 1
logged engine "socket-group: nobodys-group: no such group" || fail "the log does not name the group"
