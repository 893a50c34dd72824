#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Can this machine, with these privileges, run a tracer? Exit 0, or one line that says what is
# missing and exit 1. Asks the kernel, never its version; `wftrace doctor` knows the details.
no() {
    echo "this machine cannot trace: $*"
    exit 1
}

# has BIT: is it in the effective capability set? The mask is 64 bits wide, so take its halves.
caps=$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
high=$(printf '%d' "0x${caps%????????}")
low=$(printf '%d' "0x${caps#????????}")
has() {
    if [ "$1" -ge 32 ]; then
        [ $((high >> ($1 - 32) & 1)) = 1 ]
    else
        [ $((low >> $1 & 1)) = 1 ]
    fi
}

[ "$(uname -s)" = Linux ] || no "wftrace needs Linux"
[ -r /sys/kernel/btf/vmlinux ] || no "the kernel has no BTF (/sys/kernel/btf/vmlinux); it needs CONFIG_DEBUG_INFO_BTF=y"
if ! has 21; then # CAP_SYS_ADMIN, or the five that replace it
    for one in 39:CAP_BPF 38:CAP_PERFMON 19:CAP_SYS_PTRACE; do
        has "${one%%:*}" || no "${one#*:} is missing; run it as root (sudo make ...)"
    done
fi
case $(cat /sys/kernel/security/lockdown 2>/dev/null) in
*'[confidentiality]'*) no "kernel lockdown forbids reading memory; boot with lockdown=integrity or none" ;;
esac
if [ -r /proc/kallsyms ] && ! grep -q ' bpf_get_attach_cookie' /proc/kallsyms; then
    no "the kernel ($(uname -r)) has no attach cookies for probes; it needs Linux 5.15 or later (Debian 12, RHEL 9)"
fi
tool=$(PATH=$PATH:/usr/sbin command -v bpftool) || exit 0
"$tool" prog list >/dev/null 2>&1 || no "the bpf() system call is refused; a container needs --privileged and no seccomp filter on it"
