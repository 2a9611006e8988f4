# Every target makes .venv when it is missing or older than pyproject.toml. Needed: Python 3.11 or later, and npm for tests on a real Meilisearch.

.PHONY: demo test check proto bench soak clean install uninstall test-systemd
.DELETE_ON_ERROR:

export PATH := $(CURDIR)/.venv/bin:$(PATH)

INSTALLED := .venv/.installed
PREFIX ?= /usr/local
PYTHON ?=
CANDIDATES := $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))

demo: $(INSTALLED)
	@python -m demo

# The checks run beside the tests: what tests/rules/test_layers.py would run.
test: $(INSTALLED)
	@python -m tools.check & checks=$$!; \
	python -m pytest --numprocesses=2 --dist=worksteal --durations=20 --ignore=tests/rules/test_layers.py; tests=$$?; \
	wait $$checks && exit $$tests

check: $(INSTALLED)
	@python -m tools.check

proto: $(INSTALLED)
	@python -m tools.generate
	@python -m tools.api_docs
	@python -m tools.man_page

bench: $(INSTALLED)
	@python -m tests.bench

soak: $(INSTALLED)
	@SYNCD_KILLS=$${SYNCD_KILLS:-100} python -m pytest tests/system/test_crashes.py -k "any_moment_of_any_run"
	@SYNCD_KILLS=$${SYNCD_KILLS:-100} python -m pytest tests/system/test_metadata_publishers.py -k killed
	@SYNCD_KILLS=$${SYNCD_KILLS:-50} python -m pytest tests/system/test_audit_kills.py
	@SYNCD_OUTAGE=100 python -m pytest tests/system/test_metadata.py -k while_the_store
	@SYNCD_SOAK=1 python -m pytest tests/engines tests/connectors/test_folder.py tests/system/test_clients.py tests/system/test_demo.py tests/systemd/test_install.py tests/rpc/test_fuzz.py
	@SYNCD_SOAK=1 python -m pytest tests/system/test_lifecycle.py tests/system/test_full_disk.py tests/runtime/test_schedule.py tests/system/test_outages.py
	@SYNCD_FROZEN=600 python -m tests.bench streams
	@SYNCD_OUTAGE=30 python -m pytest tests/system/test_outages.py -k "a_while_without"
	@SYNCD_CUTS=$${SYNCD_CUTS:-100} python -m pytest tests/system/test_late_commits.py
	@SYNCD_SHOPS="oracle19 oracle23" python -m pytest tests/system --ignore=tests/system/test_late_commits.py

# Needs no .venv. PYTHON will run syncd; DESTDIR stands for /.
install:
	@$(or $(PYTHON),python3) -m tools.install --prefix "$(PREFIX)" --destination "$(or $(DESTDIR),/)" $(if $(PYTHON),--python "$(PYTHON)") $(if $(EXTRAS),--extras "$(EXTRAS)")

uninstall:
	@$(or $(PYTHON),python3) -m tools.install --remove --prefix "$(PREFIX)" --destination "$(or $(DESTDIR),/)"

# Boots a systemd of its own in a container tree; as root, with debootstrap and systemd-nspawn.
test-systemd: $(INSTALLED)
	@python -m tests.systemd.boot

clean:
	rm -rf .venv .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info

$(INSTALLED): pyproject.toml
	@set -e; \
	for candidate in $(CANDIDATES); do \
	  if "$$candidate" -c '$(NEW_ENOUGH)' 2>/dev/null; then found="$$candidate"; break; fi; \
	done; \
	if [ -z "$${found:-}" ]; then echo "Python 3.11 or later is needed; name one with: make PYTHON=/path/to/python" >&2; exit 1; fi; \
	if ! .venv/bin/python -c '$(NEW_ENOUGH)' 2>/dev/null || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then \
	  "$$found" -m venv --clear .venv || { rm -rf .venv; echo "$$found cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }; \
	fi; \
	echo "Installing into .venv ..."; \
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'; \
	touch $@
