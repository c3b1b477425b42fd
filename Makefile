# SPDX-License-Identifier: BSD-3-Clause
# make            build all programs below build/
# make demo       install what is missing, build, show the whole system at work
# make check      install what is missing, build, run all tests      (SAN=1: with sanitizers)
# make lint       formatter, include directions, shell scripts, warnings as errors with gcc and clang
# make bench      the benchmarks
# make fuzz       the fuzz targets with clang and its libFuzzer into build/fuzz  (RUN=1: runs each for SECONDS=10, too)
# make install    DESTDIR= PREFIX=/usr/local
# make man        the manual pages into build/man (scripts/man, filled in by scripts/manual.py): crowfly.1,
#                 crowfly-engine.8, crowfly-agent.8, crowfly-access.8, crowfly-host-setup.8, crowfly-bench.1;
#                 the completion for bash is scripts/completion/crowfly.bash
# make reference  writes README.md's command reference anew, from the table in engine/client/
# make deb        Debian packages into build/deb  (OUT=FOLDER)

# As many jobs as there are cores, unless -j says otherwise
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

PREFIX ?= /usr/local
BUILD  := build$(if $(SAN),/san)$(if $(filter clang%,$(notdir $(CC))),/clang)


WARN   := -Wall -Wextra -Wshadow -Wvla -Wmissing-prototypes -Wstrict-prototypes -Werror
CFLAGS ?= -O3 -g
# The formatter of the tests' assertions and DPDK's headers set the -march; nothing here asks for the build host's own
override CFLAGS += -std=gnu11 -pthread -fPIE -fstack-protector-strong -D_GNU_SOURCE $(WARN) -I.
LDFLAGS += -pie -pthread -Wl,-z,relro,-z,now -Wl,--as-needed
ifdef SAN
override CFLAGS += -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
LDFLAGS += -fsanitize=address,undefined
else ifdef FUZZ
override CFLAGS += -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
LDFLAGS += -fsanitize=fuzzer,address,undefined
else
override CFLAGS += -D_FORTIFY_SOURCE=2
endif

# Libraries of ours, and what each needs from outside. A folder's .c files are its library, main.c is its program.
LIBS := base client pktio crypto engine sip access agent bench
base_dir := engine/base
client_dir := engine/client
pktio_dir := pktio
crypto_dir := crypto
engine_dir := engine
sip_dir := control/sip
access_dir := control/access
agent_dir := control/agent
bench_dir := bench

base_pkgs := libevent jansson inih
client_pkgs := $(base_pkgs)
pktio_pkgs := libdpdk libmnl
crypto_pkgs := libsrtp2
engine_pkgs := $(base_pkgs) $(pktio_pkgs) $(crypto_pkgs) liburcu-qsbr libcrypto
sip_pkgs := $(base_pkgs) libosip2 libevent libevent_openssl libssl libcrypto jansson libjwt expat
access_pkgs := $(sip_pkgs) sqlite3
agent_pkgs := $(sip_pkgs)
bench_pkgs := $(engine_pkgs) liburcu-cds

base_needs := base
client_needs := client base
pktio_needs := pktio base
crypto_needs := crypto
engine_needs := engine client pktio crypto base
sip_needs := sip base
access_needs := access sip base
agent_needs := agent sip base
bench_needs := bench $(engine_needs)

# The line editor alone, out of the archive: the client does without DPDK's libraries
client_ldlibs := -l:librte_cmdline.a
editor_cflags = $(patsubst -I%,-isystem%,$(shell pkg-config --cflags-only-I libdpdk)) -DALLOW_EXPERIMENTAL_API
# libipsec-mb has no .pc file
crypto_ldlibs := -lIPSec_MB
engine_ldlibs := $(crypto_ldlibs) $(client_ldlibs)
bench_ldlibs := $(engine_ldlibs) -lcrypto
common_ldlibs := -lm

pkg_cflags = $(shell pkg-config --cflags $(1))
pkg_libs   = $(shell pkg-config --libs $(1))

# program = its main.c's library
PROGRAMS := crowfly-engine crowfly crowfly-access crowfly-agent crowfly-bench
crowfly-engine_lib := engine
crowfly_lib := client
crowfly-access_lib := access
crowfly-agent_lib := agent
crowfly-bench_lib := bench

.PHONY: all deps demo check unit func lint bench install clean
all: $(PROGRAMS:%=$(BUILD)/%)

define library
$(1)_src := $$(filter-out %/main.c,$$(wildcard $$($(1)_dir)/*.c))
$(1)_obj := $$($(1)_src:%.c=$(BUILD)/%.o)
$$($(1)_obj) $$(BUILD)/$$($(1)_dir)/main.o: PKG_CFLAGS = $$($(1)_cflags)
$(1)_cflags = $$(eval $(1)_cflags := $$$$(call pkg_cflags,$$($(1)_pkgs)))$$($(1)_cflags)
$(1)_libs = $$(eval $(1)_libs := $$$$(call pkg_libs,$$($(1)_pkgs)))$$($(1)_libs)
$$(BUILD)/lib$(1).a: $$($(1)_obj)
	@rm -f $$@
	@$$(AR) rcs $$@ $$^
$(1)_archives := $$($(1)_needs:%=$$(BUILD)/lib%.a)
endef
$(foreach l,$(LIBS),$(eval $(call library,$(l))))

$(BUILD)/engine/client/editor.o: override CFLAGS += $(editor_cflags)

define program
$$(BUILD)/$(1): $$(BUILD)/$$($($(1)_lib)_dir)/main.o $$($($(1)_lib)_archives)
	@echo "  LD    $$@"
	@$$(CC) $$(LDFLAGS) -o $$@ $$^ $$($($(1)_lib)_libs) $$($($(1)_lib)_ldlibs) $$(common_ldlibs)
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(p))))

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(CFLAGS) $(PKG_CFLAGS) -MMD -MP -c -o $@ $<

# A unit test is named after the library it tests: tests/unit/LIB_*.c
unit_src := $(wildcard tests/unit/*.c)
unit_bin := $(unit_src:tests/unit/%.c=$(BUILD)/tests/unit/%)
unit_lib = $(firstword $(subst _, ,$(notdir $(1))))
define unit_test
$$(BUILD)/tests/unit/$(1).o: PKG_CFLAGS = $$($(call unit_lib,$(1))_cflags) $$(criterion_cflags)
$$(BUILD)/tests/unit/$(1): $$(BUILD)/tests/unit/$(1).o $$($(call unit_lib,$(1))_archives)
	@echo "  LD    $$@"
	@$$(CC) $$(LDFLAGS) -o $$@ $$^ $$($(call unit_lib,$(1))_libs) $$($(call unit_lib,$(1))_ldlibs) $$(criterion_libs) $$(common_ldlibs)
endef
criterion_cflags = $(eval criterion_cflags := $$(call pkg_cflags,criterion))$(criterion_cflags)
criterion_libs = $(eval criterion_libs := $$(call pkg_libs,criterion))$(criterion_libs)
$(foreach t,$(unit_src:tests/unit/%.c=%),$(eval $(call unit_test,$(t))))

# A fuzz target and the library it tests
fuzz_bin := $(patsubst tests/fuzz/%.c,$(BUILD)/%,$(wildcard tests/fuzz/*.c))
fuzz_lib = $(or $(fuzz_lib_$(1)),sip)
fuzz_lib_burst := crypto
fuzz_lib_conf_file := base
fuzz_lib_rpc_line := base
fuzz_lib_parse := pktio
define fuzz_target
$$(BUILD)/tests/fuzz/$(1).o: PKG_CFLAGS = $$($(call fuzz_lib,$(1))_cflags)
$$(BUILD)/$(1): $$(BUILD)/tests/fuzz/$(1).o $$($(call fuzz_lib,$(1))_archives)
	@echo "  LD    $$@"
	@$$(CC) $$(LDFLAGS) -o $$@ $$^ $$($(call fuzz_lib,$(1))_libs) $$($(call fuzz_lib,$(1))_ldlibs) $$(common_ldlibs)
endef
ifdef FUZZ
$(foreach t,$(notdir $(fuzz_bin)),$(eval $(call fuzz_target,$(t))))
endif

.PHONY: fuzz fuzz-build
SECONDS ?= 10
fuzz:
	@$(MAKE) --no-print-directory FUZZ=1 CC=clang BUILD=build/fuzz fuzz-build
	@[ -z "$(RUN)" ] || tests/fuzz/run.sh build/fuzz $(SECONDS)

fuzz-build: $(fuzz_bin)

.PHONY: root
root:
	@[ "$$(id -u)" -eq 0 ] || \
		{ echo "make $(MAKECMDGOALS): needs root, to install packages and to make network namespaces: sudo make $(MAKECMDGOALS)" >&2; exit 1; }

deps:
	@scripts/install-deps.sh

# The goals that install packages first build in a second make: pkg-config is asked when the packages are there
demo: root
	@scripts/install-deps.sh
	@$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) scripts/demo.sh

check: root
	@scripts/install-deps.sh
	@$(MAKE) --no-print-directory all unit-build
	@MAKEFLAGS= BUILD=$(BUILD) SAN=$(SAN) tests/run.sh

unit: unit-build
	@MAKEFLAGS= BUILD=$(BUILD) SAN=$(SAN) tests/run.sh unit

func: all
	@MAKEFLAGS= BUILD=$(BUILD) SAN=$(SAN) tests/run.sh func

.PHONY: unit-build
unit-build: $(unit_bin)

lint: deps
	@scripts/lint.sh
	@$(MAKE) --no-print-directory all unit-build
	@$(MAKE) --no-print-directory CC=clang all unit-build

bench:
	@scripts/install-deps.sh --bench
	@$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) bench/run.sh

install: all man
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 0755 $(PROGRAMS:%=$(BUILD)/%) $(DESTDIR)$(PREFIX)/bin
	install -D -m 0755 scripts/host-setup.sh $(DESTDIR)$(PREFIX)/sbin/crowfly-host-setup
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/lib/sysusers.d $(DESTDIR)$(PREFIX)/lib/tmpfiles.d
	for unit in scripts/systemd/*.service; do \
		sed 's|@bindir@|$(PREFIX)/bin|' $$unit >$(DESTDIR)$(PREFIX)/lib/systemd/system/$${unit##*/} || exit; \
	done
	chmod 0644 $(DESTDIR)$(PREFIX)/lib/systemd/system/crowfly-*.service
	install -d $(DESTDIR)$(PREFIX)/share/crowfly
	install -m 0644 scripts/systemd/af-xdp.conf $(DESTDIR)$(PREFIX)/share/crowfly/af-xdp.conf
	install -m 0644 scripts/systemd/sysusers/*.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d
	install -m 0644 scripts/systemd/tmpfiles.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/crowfly.conf
	for page in $(pages); do \
		install -D -m 0644 $(BUILD)/man/$$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$$page || exit; \
	done
	install -D -m 0644 scripts/completion/crowfly.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/crowfly
	install -d $(addprefix $(DESTDIR)$(PREFIX)/share/crowfly/,examples grafana prometheus)
	install -m 0644 scripts/examples/*.conf $(DESTDIR)$(PREFIX)/share/crowfly/examples
	install -m 0644 scripts/grafana/crowfly.json $(DESTDIR)$(PREFIX)/share/crowfly/grafana
	install -m 0644 scripts/prometheus/*.yml $(DESTDIR)$(PREFIX)/share/crowfly/prometheus

.PHONY: deb
deb: all
	@BUILD=$(BUILD) OUT=$(OUT) scripts/debian/build.sh

# The pages and the reference tell what the programs themselves tell
pages := crowfly.1 crowfly-engine.8 crowfly-agent.8 crowfly-access.8 crowfly-host-setup.8 crowfly-bench.1
.PHONY: man reference
man: $(pages:%=$(BUILD)/man/%)
$(BUILD)/man/%: scripts/man/%.scd scripts/manual.py scripts/host-setup.sh $(PROGRAMS:%=$(BUILD)/%)
	@mkdir -p $(@D)
	@scripts/manual.py $(BUILD) page $* >$@.scd
	@scdoc <$@.scd >$@.new
	@mv $@.new $@

reference: $(BUILD)/crowfly
	@scripts/manual.py $(BUILD) readme

clean:
	rm -rf build

-include $(shell find $(BUILD) -name '*.d' -type f 2>/dev/null)
