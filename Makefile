# Headgate. `make` builds, `make run` shows it, `make check` tests it, `make bench` measures it.
# Everything lands in build/; no step writes anywhere else.

CC       ?= cc
BUILD    ?= build
PREFIX   ?= /usr/local
SANITIZE ?=
V        ?=
Q        := $(if $(V),,@)
comma    := ,
# What is said of a build, and not before tests/setup has installed what is missing.
missing   = $(if $(filter setup run check heavy bench,$(MAKECMDGOALS)),,$(info $(1)))

PACKAGES := libssl libcrypto libevent_core libevent_extra yaml-0.1 libmnl libnftables jansson libseccomp libnghttp2 \
	    zlib libzstd liblzma libidn2 libpsl
# Lists in the kernel by a BPF program need clang and libbpf for building; without them they go into nft sets.
BPF      := $(shell clang -print-targets 2>/dev/null | grep -qw bpf && pkg-config --exists libbpf && echo yes)
ifeq ($(BPF),yes)
PACKAGES += libbpf
BPFLIB   := $(shell pkg-config --libs libbpf)
else
$(call missing,clang with its target bpf$(comma) or libbpf$(comma) is missing: built without the BPF program for lists)
endif
# The HTTP/1 parser: a library where pkg-config knows one, else its C sources as Debian ships them.
LLHTTP_LIBRARY := $(shell pkg-config --exists libllhttp 2>/dev/null && echo libllhttp)
PACKAGES += $(LLHTTP_LIBRARY)
LLHTTP   := /usr/share/llhttp
LLHTTP_H := /usr/share/include/llhttp

WARN     := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wvla -Werror=format-security
WARN     += $(if $(CI),-Werror)
HARDEN   := -fstack-protector-strong -fstack-clash-protection -fPIE
HARDEN   += $(if $(filter x86_64-%,$(shell $(CC) -dumpmachine 2>/dev/null)),-fcf-protection)
# clang knows it without a further switch only from 16 on.
HARDEN   += $(shell $(CC) -ftrivial-auto-var-init=zero -E -x c /dev/null >/dev/null 2>&1 && \
	    echo -ftrivial-auto-var-init=zero)
CFLAGS   ?= -O2 -g
ifneq ($(SANITIZE),)
sanitized := $(subst $(comma),-,$(SANITIZE))
ifeq ($(filter %/$(sanitized),$(BUILD)),)
override BUILD := $(BUILD)/$(sanitized)
endif
HARDEN   := -fPIE -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=undefined \
	    -DSANITIZED=1
LDHARDEN := -fsanitize=$(SANITIZE)
else
HARDEN   += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
endif
VERSION  := 0.1.0

# libevent's headers ask for large files on 32-bit machines; so all files do, or a struct stat would be of two sizes.
override CFLAGS  += -std=gnu11 -DVERSION='"$(VERSION)"' $(WARN) $(HARDEN) -I. -isystem $(LLHTTP_H) \
		    -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DLLHTTP_STRICT_MODE=1 \
		    $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
override LDFLAGS += -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed $(LDHARDEN)
LIBS     := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)
# Counters of 64 bits, where the machine has no instruction for them.
LIBS     += $(if $(filter mips%,$(shell $(CC) -dumpmachine 2>/dev/null)),-latomic)

FETCH    := $(if $(shell pkg-config --exists libcurl 2>/dev/null && echo yes),$(BUILD)/headgate-fetch)
ifeq ($(FETCH),)
$(call missing,libcurl is missing: built without headgate-fetch$(comma) lists are not fetched)
endif
PROGRAMS := $(BUILD)/headgated $(BUILD)/headgatectl $(FETCH)
MAINS    := daemon/main.c daemon/control/headgatectl.c daemon/fetch/headgate_fetch.c daemon/fetch/transfer.c
UNUSED   := netfilter/marker.bpf.c netfilter/marker$(if $(filter yes,$(BPF)),_none).c
SOURCES  := $(filter-out $(MAINS) $(UNUSED),$(wildcard daemon/*.c daemon/*/*.c netfilter/*.c))
MARKER   := $(if $(filter yes,$(BPF)),netfilter/marker.c,netfilter/marker_none.c)
OBJECTS  := $(SOURCES:%.c=$(BUILD)/%.o) $(if $(LLHTTP_LIBRARY),,$(patsubst %,$(BUILD)/llhttp/%.o,api http llhttp))
UNIT     := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/*_test.c))
FUZZERS  := $(patsubst tests/fuzz/%.c,$(BUILD)/tests/fuzz/%,$(wildcard tests/fuzz/*_fuzz.c))

.PHONY: all setup run check heavy mutation league firmware firmware-check unit fuzzers fuzz bench install clean format
all: $(PROGRAMS)

# What a fresh Debian lacks for building and testing. Does nothing where all is there.
setup:
	$(Q)tests/setup

# With LAN=<port>: captures that port of this machine. Without: shows itself in a small network of its
# own; ONCE=1 ends after the show.
run: setup
	$(Q)$(MAKE) --no-print-directory all
	$(Q)BUILD=$(BUILD) LAN="$(LAN)" ONCE="$(ONCE)" tests/network/show

check:
	$(Q)tests/setup --check
	$(Q)$(MAKE) --no-print-directory all unit fuzzers
	$(Q)BUILD=$(BUILD) SANITIZE="$(SANITIZE)" tests/check

# The tests that move hundreds of megabytes, beside all others.
heavy:
	$(Q)HEAVY=1 $(MAKE) --no-print-directory check

# Takes every check of the TLS code away in turn; each time a test must notice. Part of `make heavy`.
mutation: setup
	$(Q)$(MAKE) --no-print-directory all unit
	$(Q)BUILD=$(BUILD) tests/mutation

# An image that boots into the gateway, in build/firmware/ARCH; and the same booted under QEMU.
# ARCH=x86_64|arm64|armhf|mipsel; KERNEL=small: our own kernel from Debian's sources (arm64);
# EFI=1: the machine finds the disk by its own firmware (x86_64, arm64);
# HEAVY=1: as a release wants it: ten minutes of traffic, fifty power cuts
ARCH     ?= arm64
BOX      := $(ARCH)$(if $(KERNEL),-$(KERNEL))
firmware:
	$(Q)firmware/setup $(BOX)
	$(Q)firmware/build $(BOX)

firmware-check: firmware
	$(Q)firmware/setup --check $(BOX)
	$(Q)firmware/check $(if $(EFI),--efi) $(BOX) $(ONLY)

# The same TLS checks over other interception gateways of Debian, as far as they are installed; docs/league.md.
league: setup
	$(Q)$(MAKE) --no-print-directory all $(BUILD)/tests/unit/verification_test
	$(Q)BUILD=$(BUILD) tests/league/run $(LEAGUE)

bench: setup
	$(Q)$(MAKE) --no-print-directory all
	$(Q)BUILD=$(BUILD) tests/bench/run $(BENCH)
	$(Q)$(if $(BENCH),,BUILD=$(BUILD) tests/network/run -v tests/bench/floods.py tests/bench/slow.py)
	$(Q)$(if $(BENCH),,BUILD=$(BUILD) tests/bench/scale)
	$(Q)$(if $(BENCH),,$(MAKE) --no-print-directory $(BUILD)/tests/bench/kernel_lists)
	$(Q)$(if $(BENCH),,BUILD=$(BUILD) tests/bench/kernel)

$(BUILD)/headgated: $(BUILD)/daemon/main.o $(OBJECTS)
$(BUILD)/headgatectl: $(BUILD)/daemon/control/headgatectl.o $(OBJECTS)
# By itself, so that no other program loads libcurl and the thirty libraries behind it.
$(BUILD)/headgate-fetch: $(patsubst %,$(BUILD)/daemon/%.o,fetch/headgate_fetch fetch/transfer address log privilege \
			 system_calls landlock)
$(BUILD)/headgate-fetch: LIBS := $(shell pkg-config --libs libcurl libseccomp 2>/dev/null)
$(PROGRAMS):
	@echo "  LD    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBS)

$(BUILD)/%.o: %.c
	@echo "  CC    $<"
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

# A program for the kernel: its own target, and no word about the machine it is built on but the headers.
$(BUILD)/netfilter/marker.bpf.o: netfilter/marker.bpf.c netfilter/marker_layout.h
	@echo "  BPF   $<"
	@mkdir -p $(@D)
	$(Q)clang -O2 -g -Wall -target bpf -mcpu=v3 -I. -ffile-prefix-map=$(CURDIR)=. -idirafter \
		$(patsubst /,,$(shell $(CC) -print-sysroot 2>/dev/null))/usr/include/$(shell $(CC) -print-multiarch 2>/dev/null) \
		-c -o $@ $<
	$(Q)! command -v llvm-strip >/dev/null || llvm-strip -g $@

$(BUILD)/netfilter/marker.o: $(BUILD)/netfilter/marker.bpf.o
$(BUILD)/netfilter/marker.o: override CFLAGS += -DMARKER_OBJECT='"$(BUILD)/netfilter/marker.bpf.o"'

# The console's page is part of the program, as browsers take it.
PAGE     := $(patsubst %,$(BUILD)/daemon/console/page/%.gz,index.html console.js console.css)
$(PAGE): $(BUILD)/%.gz: %
	@mkdir -p $(@D)
	$(Q)gzip -9nc $< >$@

$(BUILD)/daemon/console/page.o: $(PAGE)
$(BUILD)/daemon/console/page.o: override CFLAGS += -DPAGE_DIRECTORY='"$(BUILD)/daemon/console/page"'

# llhttp's C sources as Debian ships them; not ours, so not under our warnings.
$(BUILD)/llhttp/%.o: $(LLHTTP)/%.c
	@echo "  CC    $<"
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out $(WARN),$(CFLAGS)) -w -c -o $@ $<

# A unit test or fuzz target names what it links in its first line: "// link: daemon/reader.c -lcrypto".
# A test that needs more than that is telling its module something.
# "marker" is the BPF program's loader, or its stand-in; other words are groups of files: the judgement with the words it
# uses, all that reads lists, how those of a policy come into force, all of daemon/http with what it stands on, what a line
# of the journal is made from, the recorder, and how a process gives up power.
links     = $(shell sed -n '1s|^// link:||p' $(1))
group_policy    := $(wildcard daemon/policy/*.c) $(patsubst %,daemon/%.c,address name protocol text reason \
		   certificate reader)
group_lists     := $(wildcard daemon/lists/*.c)
group_collection := $(group_policy) $(group_lists) $(patsubst %,daemon/%.c,supervisor/collection supervisor/guards \
		   supervisor/compiler supervisor/exit_status supervisor/shortfall child privilege system_calls landlock \
		   descriptors log clock)
group_http      := $(wildcard daemon/http/*.c) $(patsubst %,daemon/%.c,allowance fit spare policy/limits policy/reply side \
		   tls/carrier tls/stream tls/wire tls/offers tls/hello endpoint certificate clock reason reader text \
		   name address)
group_record    := $(patsubst %,daemon/journal/%.c,record model exchange_model member) \
		   $(patsubst %,daemon/policy/%.c,reply rule condition public_resolvers condition_print condition_reach \
		   pattern device schedule port list proxy upstream) \
		   $(patsubst %,daemon/lists/%.c,compiled layout ranges suffixes members hash set stamp line_text entry_text) \
		   $(patsubst %,daemon/%.c,text clock reason endpoint certificate address protocol name reader \
		   tls/offers tls/hello)
group_recorder  := $(patsubst %,daemon/journal/%.c,har_file trace_file pcapng recent output file_output \
		   standard_output syslog_output message member) \
		   $(patsubst %,daemon/control/%.c,subscribers server introduction answer request peer) \
		   $(patsubst %,daemon/%.c,recorder address channels passing child privilege system_calls landlock \
		   counters clock reason text log)
group_privilege := $(patsubst %,daemon/%.c,privilege system_calls landlock)
expand    = $(foreach word,$(1),$(or $(group_$(word)),$(word)))
linkfiles = $(patsubst llhttp,$(patsubst %,$(BUILD)/llhttp/%.o,api http llhttp),\
	    $(patsubst %.c,$(BUILD)/%.o,$(patsubst marker,$(MARKER),$(sort $(filter %.c llhttp marker,\
	    $(call expand,$(call links,$(1))))))))
linklibs  = $(filter -l%,$(call links,$(1))) $(if $(filter marker,$(call links,$(1))),$(BPFLIB))

.SECONDEXPANSION:
$(UNIT): $(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $$(call linkfiles,tests/unit/$$*.c)
	@echo "  LD    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(call linklibs,tests/unit/$*.c) -lcmocka

# Plays both ends of many connections at once, for tests/proofs/storm.py.
STORM    := $(BUILD)/tests/storm/storm
$(STORM): $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/storm/*.c))
	@echo "  LD    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lssl -lcrypto -lpthread

# Preloaded, it lets one allocation fail, for tests/proofs/starved.py.
STARVE   := $(BUILD)/tests/faults/starve.so
$(STARVE): tests/faults/starve.c
	@echo "  LD    $@"
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -D_GNU_SOURCE $(WARN) -shared -fPIC -o $@ $<

unit: $(UNIT) $(STORM) $(STARVE)
fuzzers: $(FUZZERS)

# What a fuzz target links, for tests/fuzz/run, which compiles it all anew.
links-%:
	@echo $(call expand,$(call links,tests/fuzz/$*_fuzz.c))

# What `make bench` runs beside the programs.
$(BUILD)/tests/bench/kernel_lists: $(BUILD)/tests/bench/kernel_lists.o $$(call linkfiles,tests/bench/kernel_lists.c)
	@echo "  LD    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(call linklibs,tests/bench/kernel_lists.c)

# With clang the target is a real libFuzzer binary (make fuzz); with any compiler it also runs its corpus.
$(FUZZERS): $(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(BUILD)/tests/fuzz/corpus_main.o \
		$$(call linkfiles,tests/fuzz/$$*.c)
	@echo "  LD    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(call linklibs,tests/fuzz/$*.c)

# One libFuzzer run of every target over its corpus: make fuzz SECONDS=60. Needs clang.
SECONDS  ?= 60
fuzz:
	$(Q)tests/fuzz/run $(SECONDS)

DESTDIR  ?=
SBIN     := $(DESTDIR)$(PREFIX)/sbin
BIN      := $(DESTDIR)$(PREFIX)/bin
MAN      := $(DESTDIR)$(PREFIX)/share/man
install: all
	install -D -m 755 $(BUILD)/headgated $(SBIN)/headgated
	install -D -m 755 $(BUILD)/headgatectl $(BIN)/headgatectl
	$(if $(FETCH),install -D -m 755 $(FETCH) $(DESTDIR)$(PREFIX)/libexec/headgate/headgate-fetch)
	install -D -m 644 docs/man/headgated.8 $(MAN)/man8/headgated.8
	install -D -m 644 docs/man/headgatectl.8 $(MAN)/man8/headgatectl.8
	install -D -m 644 docs/man/headgate.yaml.5 $(MAN)/man5/headgate.yaml.5
	test -e $(DESTDIR)/etc/headgate/headgate.yaml || \
		install -D -m 644 init/headgate.yaml $(DESTDIR)/etc/headgate/headgate.yaml
	install -d $(DESTDIR)$(PREFIX)/share/headgate
	$(BUILD)/headgatectl schema >$(DESTDIR)$(PREFIX)/share/headgate/headgate.schema.json
	install -d $(DESTDIR)/lib/systemd/system
	sed 's|/usr/\(s*bin\)/headgate|$(PREFIX)/\1/headgate|g' init/systemd/headgate.service \
		>$(DESTDIR)/lib/systemd/system/headgate.service
	install -D -m 644 init/systemd/headgate.sysusers $(DESTDIR)/usr/lib/sysusers.d/headgate.conf
	install -D -m 644 init/systemd/headgate.modules $(DESTDIR)/usr/lib/modules-load.d/headgate.conf
	install -D -m 644 init/headgate.sysctl $(DESTDIR)/usr/lib/sysctl.d/60-headgate.conf

clean:
	rm -rf build

# Of C files only the lines that differ from SINCE, and no line of anybody else's.
SINCE    ?= HEAD
format:
	$(Q)git clang-format --force --extensions c,h $(SINCE) -- daemon netfilter tests

# What images are made of has files of that ending, too.
-include $(shell find $(BUILD) \( -path $(BUILD)/firmware -o -path $(BUILD)/debian \) -prune -o -name '*.d' -type f -print 2>/dev/null)
