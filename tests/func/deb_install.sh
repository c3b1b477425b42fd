#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Half of t_deb.sh, in mount, process and network namespaces of its own: what dpkg does with the packages in a copy of the root
# file system of which nothing stays.   deb_install.sh FOLDER PACKAGES
set -Eeuo pipefail

fail() {
	echo "FAIL: $*" >&2
	exit 1
}
trap 'fail "deb_install.sh:$LINENO: $BASH_COMMAND"' ERR
is() { [ "$2" = "$3" ] || fail "$1: '$2', expected '$3'"; }

folder=$1
root=$folder/merged
packages="crowfly crowfly-access crowfly-agent crowfly-bench crowfly-engine"
daemons="engine agent access"

mount --make-rprivate /
mount -t tmpfs none "$folder"
mkdir "$folder/upper" "$folder/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /dev "$root/dev"
mkdir -p "$root/run" "$root/packages" "$root/tmp"
cp "$2"/*.deb "$root/packages"
# What maintainer scripts take for a running service manager; it writes down what it is asked for. No policy forbids a start
mkdir -p "$root/run/systemd/system"
rm -f "$root/usr/sbin/policy-rc.d" "$root/usr/bin/systemctl" "$root/systemctl.log"
cat >"$root/usr/bin/systemctl" <<-'END'
	#!/bin/sh
	echo "$@" >>/systemctl.log
	case "$*" in *is-enabled*) echo enabled ;; esac
END
chmod 755 "$root/usr/bin/systemctl"
: >"$root/systemctl.log"

inside() { chroot "$root" "$@"; }
package() { inside dpkg --force-unsafe-io "$@"; }
# Names of the project's that are in the copy and not in the original
left() { find "$folder/upper" -path "$folder/upper/packages" -prune -o -name '*crowfly*' -printf '/%P\n' | sort; }
asked() { grep -E "^(.* )?$1 " "$root/systemctl.log" || true; }
hugepages() { cat /sys/kernel/mm/hugepages/*/nr_hugepages; }

ip link set lo up
ip link add eth7 type veth peer name eth8
links=$(ip -o link | cut -d' ' -f2)
pages=$(hugepages)

# ---- installed: there, and nothing has happened
inside sh -c "dpkg --force-unsafe-io -i /packages/*.deb"
for p in $packages; do
	# shellcheck disable=SC2016
	is "state of $p" "$(inside dpkg-query -W -f '${Status}' "$p")" "install ok installed"
	is "dpkg --verify $p" "$(inside dpkg --verify "$p")" ""
done
for p in $daemons; do
	is "$p's unit" "$(inside sh -c "systemd-analyze verify /lib/systemd/system/crowfly-$p.service 2>&1")" ""
	is "user of $p" "$(inside id -un "crowfly-$p")" "crowfly-$p"
	[ -e "$root/etc/crowfly/$p.conf" ] || fail "no $p.conf"
	! grep -vE '^(;.*|\[.*\]|)$' "$root/etc/crowfly/$p.conf" || fail "$p.conf sets something"
	grep -q "^;metrics = " "$root/etc/crowfly/$p.conf" || fail "$p.conf does not tell the options"
done
is "groups of the agent" "$(inside id -Gn crowfly-agent)" "crowfly-agent crowfly"
is "folder of the sockets" "$(inside stat -c '%a %U %G' /run/crowfly)" "1775 root crowfly"
for verb in start restart try-restart reload-or-restart enable preset; do
	is "systemctl asked to $verb" "$(asked $verb)" ""
done
is "units enabled" "$(find "$root/etc/systemd" -name '*crowfly*')" ""
is "processes" "$(inside ps -e -o comm= | grep crowfly || true)" ""
is "network interfaces" "$(ip -o link | cut -d' ' -f2)" "$links"
is "hugepages" "$(hugepages)" "$pages"

# ---- used: an administrator configures the engine, the client asks it
cat >"$root/etc/crowfly/engine.conf" <<-END
	[engine]
	eal = --no-huge -m 128 --no-shconf --no-pci --vdev=net_ring0 --vdev=net_ring1
	wire = net_ring0
	host = net_ring1
	wire-address = 10.0.0.1/24
	host-address = 192.168.50.1/24
	idle-sleep = yes
END
chroot "$root" crowfly-engine --config /etc/crowfly/engine.conf >"$root/engine.log" 2>&1 &
engine=$!
for ((i = 0; i < 100; i++)); do
	! inside crowfly show stats >"$root/asked.log" 2>&1 || break
	kill -0 $engine 2>/dev/null || fail "the installed engine: $(cat "$root/engine.log")"
	sleep 0.1
done
[ $i -lt 100 ] || fail "the installed engine does not answer: $(cat "$root/engine.log" "$root/asked.log")"
kill $engine
wait $engine
for p in crowfly-engine crowfly-agent crowfly-access crowfly crowfly-bench; do
	inside $p --help >/dev/null
done
inside crowfly-host-setup status >/dev/null
# As it leaves one, of what is to be undone
mkdir -p "$root/var/lib/crowfly"
touch "$root/var/lib/crowfly/host-setup.state"

for page in crowfly.1 crowfly-engine.8 crowfly-agent.8 crowfly-access.8 crowfly-host-setup.8 crowfly-bench.1; do
	zcat "$root/usr/share/man/man${page##*.}/$page.gz" | grep -q "^.TH" || fail "no page $page"
done
for f in bash-completion/completions/crowfly crowfly/examples/engine-one-nic.conf crowfly/grafana/crowfly.json \
	crowfly/prometheus/rules.yml; do
	[ -s "$root/usr/share/$f" ] || fail "no $f"
done

# ---- installed again, as by an upgrade: what was configured stays, nothing is restarted
inside sh -c "dpkg --force-unsafe-io -i /packages/*.deb"
grep -q "^wire = net_ring0" "$root/etc/crowfly/engine.conf" || fail "engine.conf was replaced"
is "stopped or restarted by an upgrade" "$(asked stop)$(asked restart)$(asked try-restart)" ""

# ---- removed: stopped, programs gone, configuration and state there
for p in agent access; do inside install -d -o crowfly-$p -m 700 /var/lib/crowfly-$p; done
touch "$root/var/lib/crowfly-access/access.db"
# shellcheck disable=SC2086
package -r $packages
for p in $daemons; do
	asked stop | grep -q "crowfly-$p.service" || fail "crowfly-$p was not stopped"
	[ ! -e "$root/usr/bin/crowfly-$p" ] || fail "crowfly-$p is left"
	[ -e "$root/etc/crowfly/$p.conf" ] || fail "$p.conf is gone"
done
[ -e "$root/var/lib/crowfly-access/access.db" ] || fail "the removal took the database away"
[ -e "$root/var/lib/crowfly/host-setup.state" ] || fail "the removal forgot how the host was before"

# ---- purged: nothing is left
# shellcheck disable=SC2086
package -P $packages
is "left" "$(left)" ""

# ---- without one of the drivers dpkg refuses
package --force-depends -r librte-net-memif23
! inside sh -c "dpkg --force-unsafe-io -i /packages/*.deb" >"$folder/refused.log" 2>&1 || fail "installs without a driver"
grep -q "depends on librte-net-memif23" "$folder/refused.log" || fail "dpkg does not name the driver"
