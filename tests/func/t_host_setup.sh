#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# scripts/host-setup.sh: says what it would do, does it with --yes, takes it back; refuses the NIC that the host needs. On a
# made-up tree, hugepages on this machine, too.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

export ROOT=$tmp/root
setup=$here/../../scripts/host-setup.sh
put() { mkdir -p "$(dirname "$ROOT$1")" && printf '%s\n' "$2" >"$ROOT$1"; }
pages=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
node=/sys/devices/system/node/node1/hugepages/hugepages-1048576kB/nr_hugepages
governor() { echo "/sys/devices/system/cpu/cpu$1/cpufreq/scaling_governor"; }
bus=/sys/bus/pci
nic=$bus/devices/0000:3b:00.0
put $pages 8
put $node 0
put "${pages%/*}/free_hugepages" 8
put "${node%/*}/free_hugepages" 0
put "$(governor 0)" powersave
put "$(governor 1)" performance
put $nic/driver_override "(null)"
put $nic/net/eth7/address 0
put $bus/drivers/i40e/unbind ""
put $bus/drivers/vfio-pci/unbind ""
put $bus/drivers_probe ""
put $bus/devices/0000:3b:00.1/driver_override "(null)"
put $bus/devices/0000:5e:00.0/driver_override "(null)"
put /sys/module/vfio_pci/x ""
ln -s ../../drivers/i40e "$ROOT$nic/driver"
mkdir -p "$ROOT$bus/drivers/mlx5_core"
ln -s ../../drivers/mlx5_core "$ROOT$bus/devices/0000:5e:00.0/driver"
put /run/interfaces-in-use eth0
tree() { (cd "$ROOT" && find . -type f ! -path './var/*' -exec grep -H '' {} + | sort); }
before=$(tree)

# refused STATUS TEXT WORD...: and nothing is changed
refused() {
	local expected=$1 text=$2 said status=0
	shift 2
	said=$("$setup" "$@" 2>&1) || status=$?
	is "$*: exit status" "$status" "$expected"
	grep -qF -- "$text" <<<"$said" || fail "$*: said: $said"
	is "$*: the tree" "$(tree)" "$before"
}
says() {
	local text=$1 said
	shift
	said=$("$setup" "$@" 2>&1) || fail "$*: failed: $said"
	grep -qF -- "$text" <<<"$said" || fail "$*: said: $said"
}
holds() { is "$1" "$(<"$ROOT$1")" "$2"; }

# ---- without --yes nothing happens
for words in "hugepages 512" "hugepages 4 --node 1 --size 1G" "bind 3b:00.0" governor undo status; do
	# shellcheck disable=SC2086
	says "" $words
	is "$words: the tree" "$(tree)" "$before"
done
says "nothing is changed: --yes does it" hugepages 512
says "echo 0000:3b:00.0 >/sys/bus/pci/drivers/i40e/unbind" bind 0000:3b:00.0
[ ! -e "$ROOT/var" ] || fail "a state was written"

# ---- what is refused
refused 2 "a command is missing"
refused 2 "unknown command 'hugepage'" hugepage 5
refused 2 "expected a number, got 'many'" hugepages many --yes
refused 2 "expected a number, got '-1'" hugepages -1 --yes
refused 2 "expected 2M or 1G, got '4K'" hugepages 5 --size 4K --yes
refused 2 "expected a number, got '../..'" hugepages 5 --node ../.. --yes
refused 1 "this kernel has no /sys/devices/system/node/node7" hugepages 5 --node 7 --yes
refused 2 "expected a PCI address like 0000:3b:00.0, got 'eth7'" bind eth7 --yes
refused 2 "got '0000:3b:00.0/../x'" bind 0000:3b:00.0/../x --yes
refused 1 "no PCI device 0000:3b:01.0" bind 3b:01.0 --yes
refused 1 "is with mlx5_core, which DPDK uses as it is" bind 5e:00.0 --yes
put /run/interfaces-in-use eth7
before=$(tree)
refused 1 "0000:3b:00.0 is eth7, which this host uses" bind 3b:00.0 --yes
put /run/interfaces-in-use eth0
ln -s ../bond0 "$ROOT$nic/net/eth7/master"
before=$(tree)
refused 1 "is eth7, a part of bond0" bind 3b:00.0 --yes
rm "$ROOT$nic/net/eth7/master"
before=$(tree)

# ---- done, done again, and taken back
says "hugepages: 8 -> 512" hugepages 512 --yes
holds $pages 512
says "hugepages: 512 there already" hugepages 512 --yes
says "hugepages: 512 -> 1024" hugepages 1024 --yes
says "hugepages: 0 -> 4" hugepages 4 --node 1 --size 1G --yes
says "bind: 0000:3b:00.0: i40e -> vfio-pci" bind 3b:00.0 --yes
holds $nic/driver_override vfio-pci
holds $bus/drivers/i40e/unbind 0000:3b:00.0
holds $bus/drivers_probe 0000:3b:00.0
# As the kernel does it
ln -sfn ../../drivers/vfio-pci "$ROOT$nic/driver"
says "is with vfio-pci already" bind 3b:00.0 --yes
says "bind: 0000:3b:00.1: no driver -> vfio-pci" bind 3b:00.1 --yes
says "governor: cpu0: powersave -> performance" governor --yes
holds "$(governor 0)" performance
says "no CPU is slowed down by one" governor --yes
is "mode of the state" "$(stat -c %a "$ROOT/var/lib/crowfly/host-setup.state")" 600
says "before: $pages 8" status

ln -sfn ../../drivers/vfio-pci "$ROOT$bus/devices/0000:3b:00.1/driver"
says "undo: $pages -> 8" undo
holds $pages 1024
says "undo: 0000:3b:00.0 -> i40e" undo --yes
holds $pages 8
holds $node 0
holds "$(governor 0)" powersave
holds $bus/drivers/vfio-pci/unbind 0000:3b:00.0
[ -z "$(tr -d '\n' <"$ROOT$nic/driver_override")" ] || fail "vfio-pci would have it again"
says "undo: nothing was changed" undo --yes

# ---- this machine: two more hugepages than it has, and back. Its state file is elsewhere
if [ -e $pages ]; then
	has=$(<$pages)
	real=$tmp/real
	mkdir -p "$real/sys/kernel/mm" "$real/var"
	ln -s /sys/kernel/mm/hugepages "$real/sys/kernel/mm/hugepages"
	ROOT=$real says "hugepages: $has -> $((has + 2))" hugepages $((has + 2)) --yes
	is "hugepages of this machine" "$(<$pages)" $((has + 2))
	ROOT=$real says "undo: $pages -> $has" undo --yes
	is "hugepages of this machine again" "$(<$pages)" "$has"
fi

# ---- what the engine advises is what this script takes
status=0
"$bin/crowfly-engine" -l 0 -m 64 -- --check --check-root "$ROOT" >"$tmp/check" || status=$?
is "status of --check" "$status" 1
advice=$(sed -n 's|.*mend: crowfly-host-setup \(hugepages.*\) --node.*|\1|p' "$tmp/check")
# shellcheck disable=SC2086
says "hugepages: 8 -> 32" $advice --yes
