"""Which model wrote a line: an agent drafts a file, a person adds a line, the agent changes the file, and git rewrites what
was committed. After each step every line must have the record of the answer that put it there, and the person's none.
"""

import json
import os
import subprocess

import pytest
from conftest import UPSTREAMS
from programs import DEADLINE
from test_agents import ASKING

DRAFT = "Draft prices.py in the folder below."
# How the file is changed: by an edit, in the same conversation, or by writing all of it anew, in another one.
CHANGES = {
    "edit": ("Edit prices.py in the folder below: total must charge a fee.", "edits it"),
    "rewrite": ("Rewrite prices.py in the folder below: total must charge a fee.", "writes it anew"),
}
CLOSING = "All done: prices.py has prices."

FILE = "prices.py"
TYPED = "    prices = [price for price in prices if price > 0]"
ABOVE = "    rate = RATES[town]"
# Each line of the file at the end, after who put it there.
LINES = [line.split("|", 1) for line in '''
draft |RATES = {
draft |    "Zürich": 0.081,
draft |    'Bern': 0.077,
draft |}
draft |
draft |
draft |def total(prices, town):
draft |    """What all of it costs there."""
draft |    rate = RATES[town]
person|    prices = [price for price in prices if price > 0]
change|    fee = 0.30 if len(prices) < 3 else 0.0
change|    whole = sum(prices) * (1 + rate) + fee
draft |    return round(whole, 2)
draft |
draft |
draft |def receipt(prices, town):
draft |    rows = [f"{price:>8.2f}\\t`{town}`" for price in prices]
draft |    rows.append(f"{total(prices, town):>8.2f}")
draft |
draft |    return "\\n".join(rows)
'''.strip().splitlines()]
SERVED = {"draft": "mock-agent-2026-01-01", "change": "mock-agent-2026-02-02", "person": None}
# The provider that speaks each agent's own dialect.
OWN = {"claude-code": "anthropic", "codex": "openai-responses", "opencode": "openai"}


class Repository:
    """The agent's folder, as a git repository."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder.parent),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            **{f"GIT_{who}_{what}": f"ada{end}" for who in ("AUTHOR", "COMMITTER")
               for what, end in (("NAME", ""), ("EMAIL", "@example.com"))},
        }
        self.git("init", "--quiet", "--initial-branch", "main")

    def git(self, *arguments):
        ran = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True,
            timeout=DEADLINE,
        )
        assert ran.returncode == 0, (arguments, ran.stdout, ran.stderr)
        return ran.stdout.strip()

    def commit(self, file, message):
        self.git("add", file)
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")

    def write(self, file, text):
        (self.folder / file).write_text(text, encoding="utf-8")

    def read(self, file):
        return (self.folder / file).read_text(encoding="utf-8")


def task(rig, prompt, session=None):
    """Gives the agent a task: the records that its turns left, each with what the turn was by the upstream's word."""
    before = {record["record"] for record in rig.records()}
    finished = rig.run(prompt, CLOSING, session)
    steps = [record for record in rig.records() if record["task"] == "agent_step"]
    told = [asked["told"] for asked in rig.asked(len(steps))]
    assert len(told) == len(steps), f"{told}\n{rig.told()}"
    return finished, [(word, step) for word, step in zip(told, steps) if step["record"] not in before]


def the_record(steps, word):
    found = [step["record"] for told, step in steps if told == word]
    assert len(found) == 1, (word, steps)
    return found[0]


def holds(rig, records, commits, when):
    """Every line has its record and model by `blame`, and was committed where it should have been. `why` says the same of
    every line, and where the answers crossed dialects of three that stand together: each takes a program's start.
    """
    path = str(rig.agent.project / FILE)
    ran = rig.server.run("blame", path, "--json")
    assert ran.returncode == 0, (when, ran)
    blamed = json.loads(ran.stdout)
    told = [told_by_blame(blamed, line) for line in blamed["lines"]]
    wanted = [
        (text, "unknown" if who == "person" else "ai", records.get(who), SERVED[who])
        for who, text in ((who.strip(), text) for who, text in LINES)
    ]
    assert told == wanted, f"{when}:\n{json.dumps(blamed, indent=1)}\n{rig.told()}"
    assert [line["commit"] for line in blamed["lines"]] == [commits[who.strip()] for who, _ in LINES], when
    crossed = rig.upstream != OWN[rig.agent.name]
    first = [text for _, text in LINES].index(ABOVE) + 1
    for number in range(first, first + 3) if crossed else range(1, len(LINES) + 1):
        line = wanted[number - 1]
        ran = rig.server.run("why", f"{path}:{number}", "--json")
        assert ran.returncode == 0, (when, ran)
        why = json.loads(ran.stdout)
        assert (why["line"]["text"], why["class"], why["record"], why["served_model"]) == line, (when, why)
        assert why["others"] == [] and why["gap"] is None, (when, why)
        assert why["record"] is None or why["proof"]["verified"] is True, (when, why)


def told_by_blame(blamed, line):
    assert line["others"] == [] and line["gap"] is None, line
    record = blamed["records"].get(line["record"], {})
    return line["text"], line["class"], line["record"], record.get("served_model")


@pytest.mark.parametrize(
    ("rig", "change"),
    [((*asking, upstream), "edit") for asking in ASKING for upstream in UPSTREAMS]
    + [((*asking, OWN[asking[0]]), "rewrite") for asking in ASKING],
    ids=lambda part: part if isinstance(part, str) else " ".join(part),
    indirect=["rig"],
)
def test_every_line_keeps_its_record_however_history_is_rewritten(rig, change):
    repository = Repository(rig.agent.project)
    repository.write("README.md", "# Shop\n")
    repository.commit("README.md", "begin")
    repository.git("switch", "--quiet", "--create", "work")

    finished, steps = task(rig, DRAFT)
    records = {"draft": the_record(steps, "drafts it")}
    drafted = repository.commit(FILE, "prices")
    repository.write(FILE, repository.read(FILE).replace(f"{ABOVE}\n", f"{ABOVE}\n{TYPED}\n"))

    prompt, word = CHANGES[change]
    _, steps = task(rig, prompt, finished.session if change == "edit" else None)
    assert [told for told, _ in steps] == ["looks at it", word, "closes"], rig.told()
    records["change"] = the_record(steps, word)
    assert repository.read(FILE) == "".join(f"{line}\n" for _, line in LINES), rig.told()

    def check(when, drafted, changed):
        holds(rig, records, {"draft": drafted, "change": changed, "person": changed}, when)

    check("before the commit", drafted, None)
    check("committed", drafted, repository.commit(FILE, "a fee"))
    repository.git("commit", "--quiet", "--amend", "--message", "charge a fee")
    check("amended", drafted, repository.git("rev-parse", "HEAD"))

    repository.git("switch", "--quiet", "main")
    repository.write("README.md", "# Shop\n\nSells things.\n")
    repository.commit("README.md", "say what it does")
    repository.git("switch", "--quiet", "work")
    repository.git("rebase", "--quiet", "main")
    rebased = repository.git("rev-parse", "HEAD~1", "HEAD").split()
    assert drafted not in rebased
    check("rebased", *rebased)

    repository.git("switch", "--quiet", "main")
    repository.git("merge", "--quiet", "--squash", "work")
    squashed = repository.commit(FILE, "prices with a fee")
    check("squashed", squashed, squashed)
