#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# `make deb`: Debian packages below $BUILD/deb of what is built in $BUILD. debhelper works in a folder that has this one as
# debian/ beside links to the rest of the source.   MAINTAINER="Name <address>" REVISION=SUFFIX OUT=FOLDER
set -euo pipefail
cd "$(dirname "$0")/../.."
top=$PWD
build=${BUILD:-build}
out=$(realpath -m "${OUT:-$build/deb}")
stage=$out/crowfly

if ! command -v dh >/dev/null; then
	echo "make deb: debhelper is missing: run scripts/install-deps.sh" >&2
	exit 1
fi

rm -rf "$out"
mkdir -p "$stage"
for f in * .clang-format; do
	ln -s "$top/$f" "$stage/$f"
done
cp -r scripts/debian "$stage/debian"
rm "$stage/debian/build.sh"

version=$(sed -n 's/^#define VERSION "\(.*\)"$/\1/p' engine/base/version.h)${REVISION:-}
maintainer=${MAINTAINER:-$(sed -n 's/^Maintainer: //p' scripts/debian/control)}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
sed -i "s/^Maintainer: .*/Maintainer: $maintainer/" "$stage/debian/control"
cat >"$stage/debian/changelog" <<-END
	crowfly ($version) unstable; urgency=medium

	  * Version $version.

	 -- $maintainer  $(date -u -R -d "@$SOURCE_DATE_EPOCH")
END
{
	echo "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"
	printf 'Upstream-Name: Crowfly\n\nFiles: *\n'
	sed -n 's/^Copyright (c) \(.*\)/Copyright: \1/p' LICENSE
	echo "License: BSD-3-Clause"
	sed '1,/^Copyright/d; 1,/^$/{/^$/d}; s/^$/./; s/^/ /' LICENSE
} >"$stage/debian/copyright"

# conf PROGRAM: its configuration with every option commented out, from what --help says of them
conf() {
	echo "; Configuration of crowfly-$1. Examples: /usr/share/crowfly/examples"
	echo "[$1]"
	"$build/crowfly-$1" --help | sed -n -E '/--(config|help|version) /d
		s/^  --([a-z-]+) ([^ ]+) +(.*)/\n; \3\n;\1 = \2/p; t
		s/^  --([a-z-]+)  +(.*)/\n; \2\n;\1 = yes/p'
}
mkdir "$stage/debian/conf"
for p in engine agent access; do conf $p >"$stage/debian/conf/$p.conf"; done
cat >>"$stage/debian/conf/agent.conf" <<-END

	; One for each endpoint of this host
	;[endpoint sip:alice@example.org]
	;password-file = /etc/crowfly/alice.password
	;auto-answer = no
END

# Of make, nothing but where it has built
unset MAKEFLAGS MFLAGS MAKELEVEL
cd "$stage"
if ! BUILD=$build dpkg-buildpackage -b -us -uc -nc >../build.log 2>&1; then
	cat ../build.log >&2
	echo "make deb: dpkg-buildpackage failed, see above" >&2
	exit 1
fi
cd "$top"
ls "$out"/*.deb
