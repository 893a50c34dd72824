# wftrace: build, check, install. Everything built lands under $(O); V=1 shows the commands,
# SAN=1 builds with ASan and UBSan, WERROR=1 (set by CI) turns warnings into errors.
O       ?= build
ARCH    ?= $(shell uname -m)
prefix  ?= /usr/local
CC      ?= gcc
CLANG   ?= clang
BPFTOOL ?= $(or $(shell command -v bpftool),/usr/sbin/bpftool)
Q       := $(if $(V),,@)
VERSION := 0.1.0

WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 \
	   -Wno-missing-field-initializers $(if $(WERROR),-Werror)
SANFLAG := $(if $(SAN),-fsanitize=address$(comma)undefined -fno-omit-frame-pointer)
comma   := ,
CFLAGS  ?= -O2 -g
ALLFLAG := -std=gnu11 $(WARN) $(SANFLAG) -D_GNU_SOURCE -DWF_VERSION='"$(VERSION)"' -I. -I$(O)/gen
LIBS    := -lbpf -lelf -ldw -lcapstone -lprotobuf-c -lcurl -lyaml -ljansson -lz -llzma -l:libstdc++.a -lpthread -lm
BPFFLAG := -target bpf -mcpu=v3 -O2 -g -Wall $(if $(WERROR),-Werror) -D__TARGET_ARCH_$(subst x86_64,x86,$(subst aarch64,arm64,$(ARCH))) \
	   -I. -Ivmlinux/$(ARCH) -I/usr/include/$(ARCH)-linux-gnu

PROTOS  := $(patsubst exporter/proto/%.proto,$(O)/gen/%.pb-c.c,$(wildcard exporter/proto/*.proto))
SKELS   := $(patsubst bpf/%.bpf.c,$(O)/gen/%.skel.h,$(wildcard bpf/*.bpf.c))
PROFILE := $(O)/gen/shipped_profiles.c
SRCS    := $(wildcard userspace/*.c userspace/base/*.c exporter/*.c)
LIBOBJS := $(patsubst %.c,$(O)/%.o,$(filter-out userspace/main.c,$(SRCS))) \
	   $(PROTOS:.c=.o) $(PROFILE:.c=.o)
TESTS   := $(patsubst tests/unit/%.c,$(O)/tests/%,$(wildcard tests/unit/test_*.c))

all: $(O)/wftrace

$(O)/wftrace: $(O)/userspace/main.o $(O)/libwftrace.a
	$(Q)echo "  LD    $@"; $(CC) $(CFLAGS) $(SANFLAG) -o $@ $^ $(LIBS)

$(O)/libwftrace.a: $(LIBOBJS)
	$(Q)echo "  AR    $@"; rm -f $@; $(AR) rcs $@ $^

$(O)/%.o: %.c $(SKELS) | $(PROTOS)
	$(Q)mkdir -p $(@D); echo "  CC    $<"; $(CC) $(CFLAGS) $(ALLFLAG) -MMD -MP -c -o $@ $<

$(O)/gen/%.o: $(O)/gen/%.c
	$(Q)echo "  CC    $<"; $(CC) $(CFLAGS) $(SANFLAG) -D_GNU_SOURCE -I. -I$(O)/gen -MMD -MP -c -o $@ $<

$(O)/gen/%.pb-c.c: exporter/proto/%.proto
	$(Q)mkdir -p $(@D); echo "  PROTO $<"; protoc-c --proto_path=exporter/proto --c_out=$(O)/gen $<

$(O)/gen/%.bpf.o: bpf/%.bpf.c
	$(Q)mkdir -p $(@D); echo "  BPF   $<"; $(CLANG) $(BPFFLAG) -MMD -MP -MT $@ -MF $(@:.o=.d) -c -o $@ $<

$(O)/gen/%.skel.h: $(O)/gen/%.bpf.o
	$(Q)echo "  SKEL  $<"; $(BPFTOOL) gen skeleton $< name $(subst .,_,$*)_bpf > $@

$(PROFILE): $(wildcard profiles/*.yaml) profiles/embed.sh
	$(Q)mkdir -p $(@D); echo "  EMBED profiles"; sh profiles/embed.sh profiles/*.yaml > $@

$(O)/tests/%: tests/unit/%.c $(O)/libwftrace.a
	$(Q)mkdir -p $(@D); echo "  TEST  $@"; $(CC) $(CFLAGS) $(ALLFLAG) -MMD -MP -o $@ $< $(O)/libwftrace.a $(LIBS) -lcmocka

unit: $(O)/libwftrace.a $(TESTS)
	$(Q)for t in $(TESTS); do echo "  RUN   $$t"; $$t || exit 1; done

format:
	$(Q)clang-format -i $$(git ls-files '*.c' '*.h' ':!vmlinux/*')

clean:
	$(Q)rm -rf $(O)

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all unit format clean
-include $(shell find $(O) -name '*.d' 2>/dev/null)
