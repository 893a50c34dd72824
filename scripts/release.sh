#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Packs the sources of HEAD and an installed tree as archives with checksums. Called by `make release`.
set -eu
name=wftrace-$VERSION
binary=$name-linux-$ARCH
out=$O/release

rm -rf "$out"
mkdir -p "$out"
git archive --format=tar.gz --prefix="$name/" -o "$out/$name.tar.gz" HEAD
DESTDIR=$out/$binary prefix= sh scripts/install.sh
cp LICENSE README.md CHANGELOG.md "$out/$binary/"
tar -C "$out" --owner=0 --group=0 -czf "$out/$binary.tar.gz" "$binary"
rm -rf "${out:?}/$binary"
(cd "$out" && sha256sum ./*.tar.gz >SHA256SUMS && cat SHA256SUMS)
