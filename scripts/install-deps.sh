#!/usr/bin/env bash
# Installs every Debian 12 package that building, testing and the demo need, if any is missing.
#   --bench    also what `make bench` compares with and draws with
set -euo pipefail

packages=(
	# build
	gcc libc6-dev make pkg-config clang clang-format shellcheck
	libdpdk-dev liburcu-dev libipsec-mb-dev libsrtp2-dev libcriterion-dev
	libosip2-dev libevent-dev libssl-dev libjansson-dev libjwt-dev libexpat1-dev
	libsqlite3-dev libmnl-dev libinih-dev
	# DPDK loads its drivers at run time, so each is named
	librte-bus-vdev23 librte-bus-pci23 librte-mempool-ring23
	librte-net-tap23 librte-net-af-xdp23 librte-net-af-packet23 librte-net-memif23
	librte-net-ring23 librte-net-null23 librte-net-pcap23 librte-net-virtio23
	# tests and demo
	iproute2 iputils-ping ethtool procps ffmpeg espeak-ng tcpdump tshark socat jq python3 baresip-core
	sqlite3 openssl curl util-linux systemd dpdk-dev scdoc man-db groff prometheus
	# make deb, and its test
	build-essential debhelper lintian
)
[ "${1:-}" != --bench ] || packages+=(rtpengine-daemon gnuplot-nox)

missing=()
for p in "${packages[@]}"; do
	dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null || ! grep -q '^VERSION_ID="12"' /etc/os-release 2>/dev/null; then
	echo "install-deps: needs Debian 12; elsewhere install the like of what it lists, then run make and tests/run.sh" >&2
	exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
	echo "install-deps: needs root to install: ${missing[*]} (run: sudo $0)" >&2
	exit 1
fi

echo "install-deps: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
policy=/usr/sbin/policy-rc.d
trap 'rm -f "$log" ${made_policy:+"$policy"}' EXIT
# No package may start a daemon: they are here to be called
if [ ! -e "$policy" ]; then
	made_policy=yes
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi
if ! { apt-get update -q && apt-get install -y -q --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
	cat "$log" >&2
	echo "install-deps: apt-get failed, see above" >&2
	exit 1
fi
# Nor at the next boot
for daemon in rtpengine-daemon prometheus; do
	[[ " ${missing[*]} " != *" $daemon "* ]] || systemctl disable -q "$daemon" || true
done
