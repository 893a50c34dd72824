#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what `make all` built under $DESTDIR$prefix. Called by `make install`.
set -eu
share=$DESTDIR$prefix/share

install -D -m 755 "$O/wftrace" "$DESTDIR$prefix/bin/wftrace"
for page in docs/*.[1-8]; do
    [ ! -f "$page" ] || install -D -m 644 "$page" "$share/man/man${page##*.}/${page##*/}"
done
for profile in profiles/*.yaml; do
    [ ! -f "$profile" ] || install -D -m 644 "$profile" "$share/wftrace/profiles/${profile##*/}"
done
install -D -m 644 userspace/python/wftrace.pth "$share/wftrace/wftrace.pth"
install -d "$share/bash-completion/completions" "$share/zsh/site-functions"
"$O/wftrace" completion bash >"$share/bash-completion/completions/wftrace"
"$O/wftrace" completion zsh >"$share/zsh/site-functions/_wftrace"
