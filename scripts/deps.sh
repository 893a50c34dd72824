#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Says which Debian 12 packages are missing and installs them when root; else prints the command.
# Usage: deps.sh [build|test|all]. Exit 0: all there. Daemons that a package brings stay stopped.
# The kernel of the tests' guest is not among them: installed, it would be this machine's next boot.
# tests/vm/kernel.py has apt download it into the build folder.
set -eu

build='gcc g++ make clang llvm bpftool libbpf-dev libelf-dev libdw-dev libcapstone-dev
    libprotobuf-c-dev protobuf-c-compiler libcurl4-openssl-dev zlib1g-dev liblzma-dev libyaml-dev
    libjansson-dev linux-libc-dev pkg-config'
test='libcmocka-dev clang-format universal-ctags pmccabe python3 python3-venv python3-pip
    python3-protobuf postgresql-15 redis-server sqlite3 csmith libcsmith-dev musl-tools cmake rustc gdb runc
    uwsgi-core uwsgi-plugin-python3 python3-dev bpftrace linux-perf qemu-system-x86 busybox-static
    protobuf-compiler libclang-rt-14-dev procps iproute2 util-linux binutils xz-utils git'
case ${1:-all} in
build) wanted=$build ;;
test) wanted=$test ;;
all) wanted="$build $test" ;;
*) echo "usage: deps.sh [build|test|all]" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null; then
    for tool in gcc clang bpftool protoc-c; do
        PATH=$PATH:/usr/sbin command -v $tool >/dev/null && continue
        echo "deps: $tool is missing; this is no Debian, install what stands for:" $wanted >&2
        exit 1
    done
    exit 0
fi

installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p')
missing=
for package in $wanted; do
    case "
$installed
" in
    *"
$package
"*) ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
    echo "deps: missing packages, to be installed as root:" >&2
    echo "    apt-get update && apt-get install -y --no-install-recommends$missing" >&2
    exit 1
fi
echo "deps: installing$missing"

# postgresql and redis would start a server; 101 tells dpkg's helpers to start none.
policy=/usr/sbin/policy-rc.d
saved=
restore() {
    rm -f "$policy"
    [ -z "$saved" ] || mv "$saved" "$policy"
}
trap restore EXIT
trap 'exit 1' HUP INT TERM
if [ -e "$policy" ] || [ -L "$policy" ]; then
    mv "$policy" "$policy.wftrace"
    saved=$policy.wftrace
fi
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# No exec: the trap has to run. $missing is a list of words.
apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends $missing >/dev/null
echo "deps: done"
