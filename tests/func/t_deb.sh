#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The Debian packages: built, looked at by lintian, installed, used, removed and purged by dpkg in a throw-away copy of this
# machine's root file system (deb_install.sh). This machine's own packages stay as they are.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

mkdir "$tmp/root"
DEB_BUILD_OPTIONS=noautodbgsym make -s -C "$top" ${SAN:+SAN=$SAN} OUT="$tmp/deb" deb >"$tmp/deb.log" 2>&1
is "packages" "$(for p in "$tmp"/deb/*.deb; do dpkg-deb -f "$p" Package; done | sort | xargs)" \
	"crowfly crowfly-access crowfly-agent crowfly-bench crowfly-engine"

# Every driver that the engine's documentation speaks of is loaded at run time: no tool finds these dependencies
depends=$(dpkg-deb -f "$tmp"/deb/crowfly-engine_*.deb Depends)
for driver in bus-pci bus-vdev mempool-ring net-tap net-af-xdp net-af-packet net-memif net-ring net-virtio; do
	[[ "$depends," == *" librte-${driver}23,"* ]] || fail "crowfly-engine does not depend on $driver: $depends"
done
[[ $depends == *librte-eal23* ]] || fail "crowfly-engine does not depend on what it is linked with: $depends"
# No package may bring the engine's libraries to an access server
! dpkg-deb -f "$tmp"/deb/crowfly-access_*.deb Depends | grep -qE 'librte|ipsec-mb|srtp' || fail "crowfly-access depends on the data plane"

lintian --allow-root --fail-on error,warning "$tmp"/deb/*.changes >"$tmp/lintian.log" 2>&1 &
lintian=$!
unshare --mount --pid --net --fork --kill-child "$here/deb_install.sh" "$tmp/root" "$tmp/deb" >"$tmp/install.log" 2>&1 ||
	fail "$(tail -n 3 "$tmp/install.log")"
wait $lintian || fail "lintian: $(grep '^E:' "$tmp/lintian.log")"
