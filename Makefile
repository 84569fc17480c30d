# make shop: handle a return in the browser. make demo: see many run. make docs: read about it. make test: prove that it
# does. Each builds .venv as needed.
PYTHON ?= python3
BIN := .venv/bin
SDKS := $(basename $(notdir $(wildcard requirements-sdk/*.txt)))
# Tests wait for disks, processes and deadlines for a third of their time: three workers for each processor and one more,
# and eight at most, since they share PostgreSQL's hundred connections.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(min(8, 1 + 3 * (os.cpu_count() or 1)))')

# Where the tests have their files: in memory where there are four gigabytes of it that programs may be started from, so
# that no commit of SQLite waits for a disk. Processes are killed in the tests, and never the machine. Else where any
# program has them.
PLACE ?= $(shell $(PYTHON) -c 'import os, shutil, tempfile; m = "/dev/shm"; print(m if os.access(m, os.W_OK) and \
	not os.statvfs(m).f_flag & os.ST_NOEXEC and shutil.disk_usage(m).free > 4 << 30 else tempfile.gettempdir())')

# What is compiled once is kept, also where an environment says that it is not: tests start hundreds of processes.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: shop demo docs test browser sdks campaign fuzz crash mutants bench clean

# A webshop on this machine with orders to try, all providers played by their sandboxes. It prints its address and the
# merchant's password, and begins anew each time. make shop PORT=0 takes any port that is free.
PORT ?= 8000
shop: .venv/ready
	$(BIN)/python -m webshop --folder build/shop --port $(PORT) $(addprefix --plugin=,$(PLUGIN))

demo: .venv/ready
	$(BIN)/retour demo

# The documentation as a site, with its search: open build/docs/docs/index.html, no server needed.
docs: .venv/docs
	$(BIN)/python -m sphinx --quiet --fresh-env --write-all --fail-on-warning --keep-going --conf-dir docs . build/docs

# The tests of a file stay on one worker, where what they share is made once; files with the mark `long` go first. While
# mypy has one processor, another finds all tests once, so that their assertions are compiled before each worker needs
# them: together they would compile each file as often as there are workers.
test: .venv/ready .venv/docs sdks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pytest -q --collect-only > /dev/null 2>&1 & \
		$(BIN)/mypy core/src plugins/*/src examples/webshop/webshop; types=$$?; wait; exit $$types
	TMPDIR=$(PLACE) $(BIN)/pytest -q --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

# The webshop in a browser: the machine's own Chromium, without which these tests are skipped. Its pages are kept as
# pictures in build/browser.
browser: .venv/ready .venv/browser
	$(BIN)/pytest -q -m browser --numprocesses 2 --dist loadfile tests/browser

# The providers' own SDKs, each in an environment of its own, for the tests that run them against our sandboxes; and
# Django, for the benchmarks.
sdks: $(SDKS:%=.sdks/%/ready)

# The random tests again, for some hours instead of a minute.
campaign: .venv/ready
	RETOUR_EXAMPLES=5000 $(BIN)/pytest -q tests/workflow/test_invariants.py tests/workflow/test_units_add_up.py
	RETOUR_EXAMPLES=2000 $(BIN)/pytest -q tests/refunds/test_money_invariants.py tests/refunds/test_any_order.py \
		tests/refunds/test_tenants.py tests/refunds/test_parts_of_an_order.py
	RETOUR_EXAMPLES=3000 $(BIN)/pytest -q tests/refunds/test_two_books.py tests/workflow/test_two_books_at_providers.py

# More than 100,000 webhooks from nobody, 100,000 events of hostile values, and hundreds of orders that live through one
# hostile value after the other, in some minutes; the last lines say how many.
fuzz: .venv/ready
	RETOUR_EXAMPLES=3200 $(BIN)/pytest -q tests/fuzz
	RETOUR_EXAMPLES=200 $(BIN)/pytest -q tests/plain

# Ten thousand refunds while processes die, a third of them while connections to PostgreSQL do, in ten to twenty
# minutes; make test has three hundred and fifty of them. What never went wrong in a run fails it, as what was wrong
# does. Labels of a hundred returns on each database likewise, in some minutes; make test has eight. And the migration
# of a million payments and effects, killed at each second statement; make test has twenty thousand of them.
crash: .venv/ready
	cd tests && ../$(BIN)/python -m crash.campaign --refunds 10000
	cd tests && ../$(BIN)/python -m crash.labels_campaign --orders 100 --seconds 600
	RETOUR_ROWS=1000000 $(BIN)/pytest -q tests/store/test_killed_migration.py

# Whether the tests prove the rules: each is changed in one place after the other, and at least one test must fail. At
# most twenty minutes on two processors; on a machine that others use too: make mutants MINUTES=60. Some rules alone:
# make mutants RULES="quote stock".
mutants: .venv/mutants
	cd tests && ../$(BIN)/python -m mutation $(if $(MINUTES),--minutes $(MINUTES)) $(RULES)

# Fails where a ratio is more than a tenth worse than benchmarks/RESULTS.md says, or where a page of the webshop takes
# 100 ms or more. make bench RECORD=1 writes RESULTS.md and WEBSHOP.md anew.
bench: .venv/ready .venv/bench sdks
	$(BIN)/python -m benchmarks $(if $(RECORD),--record)
	$(BIN)/python -m benchmarks.webshop $(if $(RECORD),--record)

clean:
	rm -rf .venv .sdks .mutants build

.venv/ready: requirements-dev.txt pyproject.toml core/pyproject.toml $(wildcard plugins/*/pyproject.toml) \
		examples/webshop/pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("retour needs Python 3.11 or newer: make PYTHON=...") if sys.version_info < (3, 11) else 0'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet -r requirements-dev.txt
	touch $@

.venv/docs: requirements-docs.txt .venv/ready
	$(BIN)/pip install --quiet -r $<
	touch $@

.venv/browser: requirements-browser.txt .venv/ready
	$(BIN)/pip install --quiet -r $<
	touch $@

.venv/bench: requirements-bench.txt .venv/ready
	$(BIN)/pip install --quiet -r $<
	touch $@

.venv/mutants: requirements-mutants.txt .venv/ready
	$(BIN)/pip install --quiet -r $<
	touch $@

.sdks/%/ready: requirements-sdk/%.txt | .venv/ready
	$(BIN)/python -m venv --clear --without-pip .sdks/$*
	$(BIN)/pip --python .sdks/$*/bin/python install --quiet -r $<
	touch $@
