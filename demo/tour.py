"""The tour: each step says what it does, shows the command, runs it, and looks whether the outcome is what was promised."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from demo import homes, shop, warehouse
from demo.searching import Document, Search
from demo.world import World

SYNC = "products"
METADATA = "warehouse_metadata"
_CHANGED = range(1_000, 1_300)
_DELETED = range(40, 140)
_WATCHED = 1_042
"""One of the changed products."""
_NOTICED_SECONDS = 20.0
_LOST = 42
"""One of the deleted ones."""


class Unexpected(Exception):
    """Something came out otherwise than the tour says."""


@dataclass(slots=True)
class Tour:
    world: World
    search: Search
    rows: int
    began: float = field(default_factory=time.monotonic)

    def walk(self) -> None:
        """The whole tour. Raises `Unexpected`."""
        self._fill()
        self._look_for(["찻주전자", "woollen scarf"])
        self._follow_changes()
        self._keep_homes_in_step()
        self._describe_the_warehouse()
        self._ask()
        say(f"\nAll of this took {time.monotonic() - self.began:.0f} s.")

    def _fill(self) -> None:
        step(f"The first run brings all {self.rows:,} rows over.")
        self._run("full", SYNC)
        self._expect(stored=self.rows, deleted=0)

    def _follow_changes(self) -> None:
        watched, lost = self._named(_WATCHED), self._named(_LOST)
        step(
            f"In the shop, {len(_CHANGED)} products become dearer and {len(_DELETED)} are taken off the shelf; one of either kind, before:"
        )
        before = self._product(watched, _WATCHED)
        self._product(lost, _LOST)
        changed, deleted = shop.change(self.world.shop, _CHANGED), shop.delete(self.world.shop, _DELETED)
        step("The next run finds exactly these, by `modified_date` and by what it remembers of each row.")
        self._run("incremental", SYNC)
        self._expect(stored=changed, deleted=deleted)
        step("The same two, after:")
        after = self._product(watched, _WATCHED)
        if not before or not after or after["price"] != before["price"] + 1 or self._product(lost, _LOST):
            raise Unexpected("the index does not hold what the shop holds")
        step("Source and index are compared, key by key and document by document.")
        self._run("verify", SYNC)

    def _keep_homes_in_step(self) -> None:
        claude, codex = homes.Claude(self.world.folder / "homes"), homes.Codex(self.world.folder / "homes")
        step("Beside the shop, two AI coding clients have a home each. Claude Code gets an MCP server; nobody starts a run.")
        claude.put("docs", "info")
        show_file(claude.file)
        self._wait_for("Codex has it, too", lambda: codex.level("docs") == "info")
        show_file(codex.file)
        step("Both change the same variable, to different values. That waits for a person, who takes what Codex says.")
        self._run("pause", "ai")
        claude.put("docs", "debug")
        codex.put("docs", "trace")
        self._run("resume", "ai")
        self._run("run", "ai", "--mode", "sync")
        [conflict] = json.loads(self.world.syncctl("conflicts", "list", "-o", "json").stdout)["conflicts"]
        self._run("conflicts", "show", conflict["id"])
        self._run("conflicts", "resolve", conflict["id"], "--take", "codex")
        if (claude.level("docs"), codex.level("docs")) != ("trace", "trace"):
            raise Unexpected("the two clients do not say what was decided")
        self._run("clients", "versions")

    def _describe_the_warehouse(self) -> None:
        step(f"A warehouse of {warehouse.DAYS} daily tables of events is described for a language model that writes SQL.")
        self._wait_for("the description is published", lambda: bool(self._description()))
        self._run("metadata", "status", METADATA)
        step("What a question about orders needs of it: the table, with queries that were tried out.")
        self._run("metadata", "context", METADATA, "--table", "orders")
        step("Somebody drops a column. What is published follows, and no query that uses the column stays.")
        warehouse.change(self.world.folder / "warehouse.duckdb")
        self._wait_for("the new column is published", lambda: "total_won" in self._description())
        if "amount" in self._description():
            raise Unexpected("the dropped column is still in what is published")
        self._run("metadata", "diff", METADATA)

    def _description(self) -> str:
        """What readers get; empty if there is nothing yet."""
        return self.world.syncctl("metadata", "get", METADATA).stdout

    def _wait_for(self, what: str, holds: Callable[[], bool]) -> None:
        began = time.monotonic()
        while not holds():
            if time.monotonic() - began > _NOTICED_SECONDS:
                raise Unexpected(f"it was to be so that {what}")
            time.sleep(0.05)
        say(f"{what}, after {time.monotonic() - began:.1f} s:")

    def _ask(self) -> None:
        step("How things stand, what has run, and who did what.")
        self._run("status")
        self._run("runs")
        self._run("audit", "tail", "-n", "4")

    def _look_for(self, words: Sequence[str]) -> None:
        step("The index can be searched, in Korean and in English.")
        for each in words:
            if not self._found(each):
                raise Unexpected(f"nothing is found for '{each}'")

    def _found(self, words: str) -> Sequence[Document]:
        command(f"search {words}")
        hits = self.search(words)[:3]
        for hit in hits:
            show(hit)
        return hits

    def _product(self, words: str, product: int) -> Document | None:
        """Look for one product by its name."""
        command(f"search {words}")
        hit = next((hit for hit in self.search(words) if hit["id"] == product), None)
        show(hit) if hit else say("  not there")
        return hit

    def _named(self, product: int) -> str:
        with shop.writing(self.world.shop) as opened:
            [[name]] = opened.execute(f"SELECT name_ko FROM {shop.TABLE} WHERE id = ?", [product]).fetchall()
        return str(name)

    def _run(self, *arguments: str) -> None:
        command(f"syncctl {' '.join(arguments)}")
        ended = subprocess.run(self.world.command(*arguments), env=self.world.environment, check=False)
        if ended.returncode:
            raise Unexpected(f"`syncctl {' '.join(arguments)}` ended with exit code {ended.returncode}")

    def _expect(self, **counters: int) -> None:
        """Compare counters of the last run with what they should be."""
        answer = self.world.syncctl("runs", SYNC, "-o", "json")
        found = json.loads(answer.stdout)["runs"][0]["counters"]
        wrong = {name: found.get(name, 0) for name, wanted in counters.items() if int(found.get(name, 0)) != wanted}
        if wrong:
            raise Unexpected(f"the run was to have {counters}, it has {wrong}")


def step(text: str) -> None:
    say(f"\n{text}")


def command(text: str) -> None:
    say(f"\033[1m$ {text}\033[0m" if sys.stdout.isatty() else f"$ {text}")


def show_file(file: Path) -> None:
    command(f"cat {file}")
    say("".join(f"  {line}\n" for line in file.read_text().splitlines()).rstrip())


def show(document: Document) -> None:
    say(f"  {document['id']:>6}  {document['title']} · {document['title_ko']}  {document['price']:,.2f}")


def say(text: str) -> None:
    """Print now: others write to the same terminal."""
    print(text, flush=True)
