#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Prepares a host for crowfly-engine as `crowfly-engine --check` advises: hugepages, a NIC bound to vfio-pci, the frequency
# governor. Says what it would do; does it with --yes; `undo` takes everything back. Installed as crowfly-host-setup.
set -euo pipefail

# Another tree in place of /, for tests
root=${ROOT:-}
state=$root/var/lib/crowfly/host-setup.state
yes=no
name=${0##*/}
pci=$root/sys/bus/pci

usage() {
	cat <<-END
		usage: $name COMMAND... [--yes]
		Without --yes nothing is changed: what would be is printed.

		commands:
		  hugepages N [--node NODE] [--size 2M|1G]   reserve N hugepages (2M)
		  bind DEVICE [--force]                      give a NIC, 0000:3b:00.0, to vfio-pci
		  governor                                   let all CPUs run at full speed
		  status                                     what is set
		  undo                                       set everything as it was before the first command
	END
}

fail() {
	echo "$name: $*" >&2
	exit 1
}

wrong() {
	echo "$name: $*" >&2
	usage >&2
	exit 2
}

# ---- changing a file of /sys, and remembering what it held

# set_file FILE VALUE: FILE below the root
set_file() {
	echo "  echo $2 >$1"
	[ $yes = yes ] || return 0
	printf '%s\n' "$2" >"$root$1" || fail "$1 does not take $2"
}

# remember KIND WHAT VALUE: the first value of a thing is the one to go back to
remember() {
	[ $yes = yes ] || return 0
	mkdir -p "${state%/*}"
	touch "$state"
	chmod 0600 "$state"
	grep -qF -- "$1 $2 " "$state" || echo "$1 $2 $3" >>"$state"
}

# ---- hugepages

hugepages() {
	local count=${1:-} node='' size=2048kB folder file old now
	[[ $count =~ ^[0-9]{1,7}$ ]] || wrong "hugepages: expected a number, got '$count'"
	shift
	while [ $# -gt 0 ]; do
		case $1 in
		--node)
			[[ ${2:-} =~ ^[0-9]{1,3}$ ]] || wrong "--node: expected a number, got '${2:-}'"
			node=$2
			shift
			;;
		--size)
			case ${2:-} in
			2M) size=2048kB ;;
			1G) size=1048576kB ;;
			*) wrong "--size: expected 2M or 1G, got '${2:-}'" ;;
			esac
			shift
			;;
		*) wrong "hugepages: unknown word '$1'" ;;
		esac
		shift
	done
	folder=/sys/kernel/mm/hugepages
	[ -z "$node" ] || folder=/sys/devices/system/node/node$node/hugepages
	file=$folder/hugepages-$size/nr_hugepages
	[ -e "$root$file" ] || fail "hugepages: this kernel has no $file"
	old=$(<"$root$file")
	if [ "$old" = "$count" ]; then
		echo "hugepages: $count there already"
		return
	fi
	echo "hugepages: $old -> $count"
	remember file "$file" "$old"
	set_file "$file" "$count"
	[ $yes = yes ] || return 0
	now=$(<"$root$file")
	[ "$now" -ge "$count" ] || fail "hugepages: only $now of $count: memory is in pieces, try after a reboot (hugepages=$count on the kernel's command line)"
}

# ---- a NIC

driver_of() {
	[ ! -L "$pci/devices/$1/driver" ] || basename "$(readlink "$pci/devices/$1/driver")"
}

# Interfaces that a route, an address or a session of this host needs
interfaces_in_use() {
	if [ -n "$root" ]; then
		cat "$root/run/interfaces-in-use" 2>/dev/null || true
		return
	fi
	ip -o route show table all type unicast 2>/dev/null | sed -n 's/.* dev \([^ ]*\).*/\1/p'
	ip -o -6 route show default 2>/dev/null | sed -n 's/.* dev \([^ ]*\).*/\1/p'
	ip -o addr show scope global 2>/dev/null | awk '{print $2}'
	[ -z "${SSH_CONNECTION:-}" ] || ip -o addr show to "$(cut -d' ' -f3 <<<"$SSH_CONNECTION")" | awk '{print $2}'
}

# Refuses a device whose interface is in use, itself or as a part of a bond or bridge
refuse_in_use() {
	local device=$1 path name used
	used=$(interfaces_in_use | sort -u)
	for path in "$pci/devices/$device/net"/*; do
		[ -e "$path" ] || continue
		name=${path##*/}
		! grep -qxF -- "$name" <<<"$used" ||
			fail "bind: $device is $name, which this host uses (an address or a route): it would be cut off. --force binds it nevertheless"
		[ ! -L "$path/master" ] || fail "bind: $device is $name, a part of $(basename "$(readlink "$path/master")")"
	done
}

# give DEVICE DRIVER: "none" for no driver
give() {
	local device=$1 new=$2 old
	old=$(driver_of "$device")
	[ -z "$old" ] || set_file "/sys/bus/pci/drivers/$old/unbind" "$device"
	if [ "$new" = none ]; then
		set_file "/sys/bus/pci/devices/$device/driver_override" ""
		return
	fi
	set_file "/sys/bus/pci/devices/$device/driver_override" "$new"
	set_file /sys/bus/pci/drivers_probe "$device"
	# From here on the usual driver may have it again
	[ "$new" = vfio-pci ] || set_file "/sys/bus/pci/devices/$device/driver_override" ""
}

bind_device() {
	local device=${1:-} force=no old
	[[ $device =~ ^([0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$ ]] || wrong "bind: expected a PCI address like 0000:3b:00.0, got '$device'"
	[[ $device == ????:??:??.? ]] || device=0000:$device
	shift
	while [ $# -gt 0 ]; do
		[ "$1" = --force ] || wrong "bind: unknown word '$1'"
		force=yes
		shift
	done
	[ -e "$pci/devices/$device" ] || fail "bind: no PCI device $device (lspci -D lists them)"
	old=$(driver_of "$device")
	case $old in
	vfio-pci)
		echo "bind: $device is with vfio-pci already"
		return
		;;
	mlx5_core | mlx4_core) fail "bind: $device is with $old, which DPDK uses as it is: leave it there" ;;
	esac
	[ $force = yes ] || refuse_in_use "$device"
	echo "bind: $device: ${old:-no driver} -> vfio-pci"
	if [ ! -e "$root/sys/module/vfio_pci" ]; then
		echo "  modprobe vfio-pci"
		[ $yes = no ] || [ -n "$root" ] || modprobe vfio-pci || fail "bind: this kernel has no vfio-pci"
	fi
	remember driver "$device" "${old:-none}"
	give "$device" vfio-pci
	[ $yes = yes ] || return 0
	[ -n "$root" ] || [ "$(driver_of "$device")" = vfio-pci ] || fail "bind: vfio-pci does not take $device (dmesg says why; is there an IOMMU?)"
}

# ---- the governor

governor() {
	local file old any=no
	[ $# -eq 0 ] || wrong "governor: unknown word '$1'"
	for file in "$root"/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor; do
		[ -e "$file" ] || continue
		old=$(<"$file")
		file=${file#"$root"}
		[ "$old" != performance ] || continue
		any=yes
		echo "governor: $(cut -d/ -f6 <<<"$file"): $old -> performance"
		remember file "$file" "$old"
		set_file "$file" performance
	done
	[ $any = yes ] || echo "governor: no CPU is slowed down by one"
}

# ---- back, and a look

undo() {
	local kind what value
	[ $# -eq 0 ] || wrong "undo: unknown word '$1'"
	if [ ! -s "$state" ]; then
		echo "undo: nothing was changed"
		return
	fi
	while read -r kind what value; do
		echo "undo: $what -> $value"
		case $kind in
		file) set_file "$what" "$value" ;;
		driver) [ ! -e "$pci/devices/$what" ] || give "$what" "$value" ;;
		*) fail "undo: $state: '$kind' is not known" ;;
		esac
	done < <(tac "$state")
	[ $yes = no ] || rm -f "$state"
}

status() {
	local file device
	[ $# -eq 0 ] || wrong "status: unknown word '$1'"
	for file in "$root"/sys/devices/system/node/node*/hugepages/hugepages-*/nr_hugepages; do
		[ ! -e "$file" ] || echo "${file#"$root"}: $(<"$file") ($(<"${file%/*}/free_hugepages") free)"
	done
	for device in "$pci/drivers/vfio-pci"/????:??:??.?; do
		[ ! -e "$device" ] || echo "${device##*/}: vfio-pci"
	done
	[ ! -s "$state" ] || sed 's/^[a-z]* /before: /' "$state"
}

words=()
for word; do
	case $word in
	--yes) yes=yes ;;
	-h | --help)
		usage
		exit 0
		;;
	*) words+=("$word") ;;
	esac
done
set -- "${words[@]}"
command=${1:-}
[ $# -eq 0 ] || shift
case $command in
hugepages | governor | status | undo) run=$command ;;
bind) run=bind_device ;;
'') wrong "a command is missing" ;;
*) wrong "unknown command '$command'" ;;
esac
[ $yes = no ] || [ -n "$root" ] || [ "$(id -u)" -eq 0 ] || fail "--yes: only root may do that"
$run "$@"
[ $yes = yes ] || [ "$command" = status ] || echo "nothing is changed: --yes does it"
