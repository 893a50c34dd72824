# wftrace: build, check, install. Everything built lands under $(O); V=1 shows the commands,
# SAN=1 builds with ASan and UBSan, SAN=thread with TSan, WERROR=1 (set by check) turns warnings into errors.
VERSION := 0.1.0
SAN     ?=
O       ?= build$(if $(SAN),/san$(addprefix -,$(filter thread,$(SAN))))
ARCH    ?= $(shell uname -m)
prefix  ?= /usr/local
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
CLANG   ?= clang
BPFTOOL ?= $(or $(shell command -v bpftool),/usr/sbin/bpftool)
CFLAGS  ?= -O2 -g
FUZZ_SECONDS ?= 10
Q       := $(if $(V),,@)
comma   := ,

WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 \
	   -Wno-missing-field-initializers $(if $(WERROR),-Werror)
SANKIND := $(if $(filter thread,$(SAN)),thread,address$(comma)undefined -fno-sanitize-recover=undefined)
SANFLAG := $(if $(SAN),-fsanitize=$(SANKIND) -fno-omit-frame-pointer) $(if $(FUZZ),-fsanitize=fuzzer-no-link)
GENFLAG := $(CFLAGS) $(SANFLAG) -D_GNU_SOURCE -I. -I$(O)/gen
ALLFLAG := $(GENFLAG) -std=gnu11 $(WARN) -DWF_VERSION='"$(VERSION)"'
LIBS    := -lbpf -lelf -ldw -lcapstone -lprotobuf-c -lcurl -lyaml -ljansson -lz -llzma -l:libstdc++.a -lpthread -lm
BPFFLAG := -target bpf -mcpu=v3 -O2 -g -Wall $(if $(WERROR),-Werror) -I. -Ivmlinux/$(ARCH) \
	   -D__TARGET_ARCH_$(subst x86_64,x86,$(subst aarch64,arm64,$(ARCH))) -I/usr/include/$(ARCH)-linux-gnu

PROTOS  := $(patsubst exporter/proto/%.proto,$(O)/gen/%.pb-c.c,$(wildcard exporter/proto/*.proto))
SKELS   := $(patsubst bpf/%.bpf.c,$(O)/gen/%.skel.h,$(wildcard bpf/*.bpf.c))
PROFILE := $(O)/gen/shipped_profiles.c
AGENT   := $(O)/gen/shipped_agent.c
SRCS    := $(wildcard userspace/*.c userspace/*/*.c exporter/*.c)
LIBOBJS := $(patsubst %.c,$(O)/%.o,$(filter-out userspace/main.c,$(SRCS))) $(PROTOS:.c=.o) $(PROFILE:.c=.o) $(AGENT:.c=.o)
TESTS   := $(patsubst tests/unit/%.c,$(O)/tests/%,$(wildcard tests/unit/test_*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,$(O)/fuzzers/%,$(wildcard tests/fuzz/fuzz_*.c))

all: $(O)/wftrace
include userspace/python/agent/agent.mk

$(O)/wftrace: $(O)/userspace/main.o $(O)/libwftrace.a
	$(Q)echo "  LD    $@"; $(CC) $(CFLAGS) $(SANFLAG) -o $@ $^ $(LIBS)

$(O)/libwftrace.a: $(LIBOBJS)
	$(Q)echo "  AR    $@"; rm -f $@; $(AR) rcs $@ $^

$(O)/%.o: %.c | $(SKELS) $(PROTOS)
	$(Q)mkdir -p $(@D); echo "  CC    $<"; $(CC) $(ALLFLAG) -MMD -MP -c -o $@ $<

$(O)/gen/%.o: $(O)/gen/%.c
	$(Q)echo "  CC    $<"; $(CC) $(GENFLAG) -MMD -MP -c -o $@ $<

$(O)/gen/%.pb-c.c: exporter/proto/%.proto
	$(Q)mkdir -p $(@D); echo "  PROTO $<"; protoc-c --proto_path=exporter/proto --c_out=$(O)/gen $<

$(O)/gen/%.bpf.o: bpf/%.bpf.c
	$(Q)mkdir -p $(@D); echo "  BPF   $<"; $(CLANG) $(BPFFLAG) -MMD -MP -MT $@ -MF $(@:.o=.d) -c -o $@ $<

$(O)/gen/%.skel.h: $(O)/gen/%.bpf.o
	$(Q)echo "  SKEL  $<"; $(BPFTOOL) gen skeleton $< name $(subst .,_,$*)_bpf > $@

$(PROFILE): $(wildcard profiles/*.yaml) profiles/embed.sh
	$(Q)mkdir -p $(@D); echo "  EMBED profiles"; sh profiles/embed.sh profiles/*.yaml > $@

$(O)/tests/%: tests/unit/%.c $(O)/libwftrace.a
	$(Q)mkdir -p $(@D); echo "  TEST  $@"; \
	$(CC) $(ALLFLAG) -MMD -MP -MF $@.d -MT $@ -o $@ $< $(O)/libwftrace.a $(LIBS) -lcmocka

$(O)/fuzzers/%: tests/fuzz/%.c $(O)/libwftrace.a
	$(Q)mkdir -p $(@D); echo "  FUZZ  $@"; \
	$(CC) $(ALLFLAG) -MMD -MP -MF $@.d -MT $@ -fsanitize=fuzzer -o $@ $< $(O)/libwftrace.a $(LIBS)

$(O)/demo/workflow: demo/workflow.cc
	$(Q)mkdir -p $(@D); echo "  CXX   $<"; $(CXX) -O2 -g0 -fcf-protection -o $@ $< -lpthread

units: $(O)/libwftrace.a $(TESTS)
fuzzers: $(FUZZERS)
unit: units
	$(Q)for t in $(TESTS); do echo "  RUN   $$t"; $$t || exit 1; done

clang: $(SKELS) $(PROTOS)
	$(Q)echo "  CLANG every source"; $(CLANG) $(ALLFLAG) -fsyntax-only $(SRCS) $(wildcard tests/unit/*.c)

style:
	$(Q)O=$(O) python3 tests/style/run.py

deps:
	$(Q)sh scripts/deps.sh

demo:
	+$(Q)sh scripts/deps.sh build && $(MAKE) -s all $(O)/demo/workflow && O=$(O) sh demo/run.sh

check:
	+$(Q)sh scripts/deps.sh || true; O=$(O) MAKE="$(MAKE)" python3 tests/check.py

soak: all python-parts
	$(Q)O=$(O) python3 tests/e2e/run.py --soak && O=$(O) python3 tests/python/run.py --soak && O=$(O) python3 tests/vm/run.py --all --kernel all
	+$(Q)$(MAKE) --no-print-directory O=$(O)/san-thread SAN=thread all && O=$(O) sh scripts/races.sh
	+$(Q)$(MAKE) --no-print-directory FUZZ_SECONDS=300 fuzz

bench: all
	$(Q)O=$(O) python3 tests/bench/bench.py

fuzz:
	+$(Q)$(MAKE) --no-print-directory O=$(O)/fuzz CC=$(CLANG) SAN=1 FUZZ=1 fuzzers && \
	O=$(O)/fuzz FUZZ_SECONDS=$(FUZZ_SECONDS) sh scripts/fuzz.sh

install: all
	$(Q)DESTDIR="$(DESTDIR)" prefix="$(prefix)" O=$(O) sh scripts/install.sh

release: all
	$(Q)O=$(O) VERSION=$(VERSION) ARCH=$(ARCH) sh scripts/release.sh

format:
	$(Q)clang-format -i $$(git ls-files '*.c' '*.h' '*.cc' ':!vmlinux/*')

clean:
	$(Q)rm -rf $(O)

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all units unit fuzzers clang style deps demo check soak bench fuzz install release format clean
-include $(shell find $(O) -name '*.d' 2>/dev/null)
