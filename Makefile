# Two commands do all on a fresh machine: `make run` and `make test`.
.DEFAULT_GOAL := help
.PHONY: help venv run test coverage slow unit lint format bench clean
.PHONY: install install-venv install-files install-command install-man

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNS := $(VENV)/.runs
READY := $(VENV)/.installed
PYTEST := $(BIN)/python -m pytest --dist loadfile
# Of the hundreds of lines that pip writes, those that say what large thing is fetched.
install = set -o pipefail; $(BIN)/python -m pip install --disable-pip-version-check \
	--progress-bar off -c constraints.txt $(1) \
	| sed -un 's/^ *\(Downloading\|Using cached\) \([^ ]*\) \(([0-9.]* MB)\)$$/  \2 \3/p'

# Where `make install` puts things; DESTDIR goes before all of them.
PREFIX ?= /opt/vedette
UNITDIR ?= /usr/local/lib/systemd/system
SYSCONFDIR ?= /etc
BINDIR ?= /usr/local/bin
MANDIR ?= /usr/local/share/man
EXTRAS ?=
UNITS := vedette vedette-gateway vedette-fleet vedette-fleet-head vedette-fleet-node
STAGE = $(if $(DESTDIR),$(abspath $(DESTDIR)))
HOME_DIR = $(STAGE)$(PREFIX)
ETC_DIR = $(STAGE)$(SYSCONFDIR)/vedette

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

venv: $(READY) ## create .venv and install the tested versions, for working on vedette

$(READY): $(RUNS)
	@echo 'Installing what tests and linters need: about 130 MB more.'
	@$(call install,-e '.[dev]')
	@touch $@

$(RUNS): pyproject.toml constraints.txt
	@echo 'Installing vedette into $(VENV): about 0.75 GB to fetch, 2.2 GB on disk, one to three minutes.'
	@echo 'Most of it is TensorFlow. Nothing is fetched after that.'
	@$(PYTHON) -m venv $(VENV)
	@$(call install,-e .)
	@touch $@

run: $(RUNS) ## run the demo: bundled clip, bundled detector, everything on loopback
	@echo 'Starting the demo (Ctrl-C ends it). Other commands: $(BIN)/vedette --help'
	@$(BIN)/vedette demo

# Two files at a time; three where half of the time goes by in waiting: for streams, deadlines, other
# processes. Coverage is that of the unit tests, since measuring it doubles what a daemon costs;
# `make coverage` asks for 90 %, with what the others reach.
test: venv ## every test, and the branch coverage of the unit tests
	@failed=0; \
	$(PYTEST) -n 2 tests/unit --cov --cov-report=term --cov-fail-under=85 || failed=1; \
	$(PYTEST) -n 3 --ignore=tests/unit || failed=1; \
	exit $$failed

coverage: venv ## every test, with branch coverage
	$(PYTEST) -n 2 --cov --cov-report=term

slow: venv ## what takes minutes and gigabytes: every size of every family
	$(BIN)/python -m pytest -m slow

unit: venv ## only the fast ones
	$(BIN)/python -m pytest tests/unit -q

lint: venv ## format, rules, types, import directions
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: venv ## put the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: venv ## figures of the pipeline and of the capture
	$(BIN)/vedette bench pipeline
	$(BIN)/vedette bench pipeline --cameras 8 --fps 5
	$(BIN)/vedette bench capture

install: install-venv install-files install-command install-man ## as a systemd service, see systemd/README.md
	@echo
	@echo 'Installed. What to do next:'
	@echo '  systemctl daemon-reload && systemctl enable --now vedette'
	@echo '  open http://127.0.0.1:9464/ on this machine: the demo clip, as long as no camera is set'
	@echo '  vedette probe rtsp://CAMERA/PATH        what the camera sends, and how to configure it'
	@echo '  edit $(SYSCONFDIR)/vedette/vedette.yaml, then: systemctl reload vedette'

# pip writes where the environment lies into its scripts: there the stage is taken out again.
install-venv:
	@case $$($(PYTHON) -c 'import sys; print(sys.base_prefix)') in /home/*|/root/*) \
		echo 'the service cannot see home directories: make install PYTHON=/usr/bin/python3'; exit 1;; \
	esac
	rm -rf build
	umask 022 && $(PYTHON) -m venv $(HOME_DIR)/.venv
	umask 022 && $(HOME_DIR)/.venv/bin/python -m pip install --quiet --disable-pip-version-check \
		-c constraints.txt '.$(EXTRAS)'
	$(if $(STAGE),grep -rlI '$(HOME_DIR)' $(HOME_DIR)/.venv/bin $(HOME_DIR)/.venv/pyvenv.cfg \
		| xargs -r sed -i 's|$(HOME_DIR)|$(PREFIX)|g')

# The configuration of a server that has one is left as it is.
install-files:
	install -d $(STAGE)$(UNITDIR) $(HOME_DIR)/share/systemd $(ETC_DIR)
	install -d -m 700 $(ETC_DIR)/credentials
	for unit in $(UNITS); do \
		sed 's|/opt/vedette|$(PREFIX)|g; s|/etc/vedette|$(SYSCONFDIR)/vedette|g' systemd/$$unit.service \
			| install -m 644 /dev/stdin $(STAGE)$(UNITDIR)/$$unit.service || exit 1; \
	done
	install -m 644 systemd/*.conf systemd/credential.example systemd/gateway.yaml \
		systemd/fleet.yaml systemd/fleet.env $(HOME_DIR)/share/systemd
	install -D -m 644 config/demo/street.mp4 $(HOME_DIR)/share/demo/street.mp4
	install -m 644 systemd/README.md config/example.yaml config/vedette.schema.json $(HOME_DIR)/share
	test -e $(ETC_DIR)/vedette.yaml || sed 's|/opt/vedette|$(PREFIX)|g' systemd/vedette.yaml \
		| install -m 644 /dev/stdin $(ETC_DIR)/vedette.yaml

install-command:
	install -d $(STAGE)$(BINDIR)
	ln -sfn $(PREFIX)/.venv/bin/vedette $(STAGE)$(BINDIR)/vedette

# Made of what the installed command says of itself.
install-man:
	install -d $(STAGE)$(MANDIR)/man1
	$(HOME_DIR)/.venv/bin/python -m daemon.cli man > $(STAGE)$(MANDIR)/man1/vedette.1

.PHONY: dashboards
dashboards: venv ## write the Grafana dashboards into config/grafana
	$(BIN)/python -m daemon.dashboards

SOAK_MINUTES ?= 30
SOAK_SEED ?= 22

.PHONY: faults soak
faults: venv ## every row of the fault matrix at full length, into docs/faults.md
	$(BIN)/python -m tests.fault.report

soak: venv ## SOAK_MINUTES of random faults at eight cameras, then 1000 reconnects
	$(BIN)/python -m tests.fault.soak $(SOAK_MINUTES) $(SOAK_SEED)

.PHONY: fleet-faults
fleet-faults: venv ## what is done to a fleet of servers, into docs/fleet-faults.md
	$(BIN)/python -m tests.fleet.report

CONTAINER_TRIAL ?= /var/tmp/vedette-container

.PHONY: container-trial
container-trial: venv ## do the steps of Containerfile without an engine and try the image; as root, needs mmdebstrap
	$(BIN)/python -m tests.container.steps $(CONTAINER_TRIAL)

.PHONY: sbom
sbom: venv ## what a release is made of, as CycloneDX, into dist/
	mkdir -p dist
	$(BIN)/python -m daemon.release.sbom > dist/vedette.cdx.json

.PHONY: bad-inputs mutants
bad-inputs: venv ## try every bad input and write docs/bad-inputs.md
	$(BIN)/python -m tests.bad_inputs.page

mutants: venv ## decode 10 000 damaged streams, a quarter of an hour
	$(BIN)/python -m tests.mutants --count 10000

clean: ## remove what was built
	rm -rf $(VENV) build dist *.egg-info .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis
