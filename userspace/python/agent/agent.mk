# The agent for Python processes: one .so without libc, and one script; both are embedded.
AGENT_DIR  := userspace/python/agent
AGENT_SRCS := $(sort $(wildcard $(AGENT_DIR)/*.c))
AGENT_PY   := $(patsubst %,$(AGENT_DIR)/%.py,boot path rule template swap select running watch handoff logs need late early arm)
AGENT_FLAG := -std=gnu11 $(WARN) -O2 -g0 -I. -fPIC -fno-plt -fvisibility=hidden -fno-stack-protector -fno-builtin \
	      $(if $(findstring clang,$(CC)),,-fno-tree-loop-distribute-patterns) -fno-asynchronous-unwind-tables -fcf-protection=none \
	      -nostdlib -shared -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,max-page-size=4096 -Wl,--hash-style=both -Wl,--build-id=none -s

$(O)/python/agent.so: $(AGENT_SRCS) $(wildcard $(AGENT_DIR)/*.h) bpf/agent.h bpf/record.h
	$(Q)mkdir -p $(@D); echo "  AGENT $@"; $(CC) $(AGENT_FLAG) -o $@ $(AGENT_SRCS)

$(O)/python/agent.py: $(AGENT_PY) $(O)/python/agent.so
	$(Q)echo "  JOIN  $@"; build=$$(cat $^ | sha256sum | cut -c1-16); \
	cat $(AGENT_PY) | sed "s/^BUILD = ''/BUILD = '$$build'/; /^# SPDX/d" > $@

$(AGENT): $(O)/python/agent.so $(O)/python/agent.py $(AGENT_DIR)/embed.sh
	$(Q)mkdir -p $(@D); echo "  EMBED agent"; sh $(AGENT_DIR)/embed.sh $(O)/python > $@

$(O)/gen/reader.bpf.o: tests/python/reader.bpf.c bpf/agent.h
	$(Q)mkdir -p $(@D); echo "  BPF   $<"; $(CLANG) $(BPFFLAG) -c -o $@ $<

$(O)/python/reader: tests/python/reader.c $(O)/gen/reader.skel.h
	$(Q)mkdir -p $(@D); echo "  TEST  $@"; $(CC) $(ALLFLAG) -o $@ $< -lbpf -lelf -lz

python-parts: $(O)/python/agent.so $(O)/python/agent.py $(O)/python/reader $(O)/tests/inject
.PHONY: python-parts

$(O)/tests/%: tests/python/%.c $(O)/libwftrace.a
	$(Q)mkdir -p $(@D); echo "  TEST  $@"; $(CC) $(ALLFLAG) -MMD -MP -MF $@.d -MT $@ -o $@ $< $(O)/libwftrace.a $(LIBS)
