"""One agent, one Waymark and one scripted model for each test."""

import json
import os
import socket
import time
import urllib.request

import pytest
from coding_agents import AGENTS
from programs import DEADLINE, scripted_upstream, serving

# Kind, base path and dialect of the provider before an upstream that serves this dialect and no other, and its name for
# the model: from the third generation on, Gemini wants the proof of its reasoning back.
UPSTREAMS = {
    "anthropic": ("anthropic", "", "anthropic-messages", "mock-agent"),
    "openai": ("openai", "/v1", "openai-chat", "mock-agent"),
    "openai-responses": ("openai", "/v1", "openai-responses", "mock-agent"),
    "gemini": ("gemini", "", "gemini", "gemini-3-mock-agent"),
    "ollama": ("ollama", "", "ollama-chat", "mock-agent"),
    "mistral": ("mistral", "/mistral/v1", "openai-chat", "mock-agent"),
}

CONFIG = """
[providers.scripted]
kind = "{kind}"
base_url = "http://127.0.0.1:{port}{path}"
api_key_env = "SCRIPTED_KEY"
dialects = ["{dialect}"]

[models.scripted]
provider = "scripted"
id = "{model}"

[routes.auto]
ladder = ["scripted"]
"""

# A run takes seconds, so reaching this is a failure.
AT_MOST = 150


class Rig:
    """An agent's run, what the upstream saw of it and what the ledger has."""

    def __init__(self, agent, seen, server=None, upstream=None, upstream_model=None):
        self.agent, self.seen, self.server = agent, seen, server
        self.upstream, self.upstream_model = upstream, upstream_model
        self.finished = None

    def run(self, task, closing="All done: hello.py says hello.", session=None):
        """Gives the agent its task and expects it to say that it is done."""
        self.finished = self.agent.run(f"{task}\nFolder: {self.agent.project}", AT_MOST, session)
        assert self.finished.code == 0, self.told()
        assert closing in self.finished.stdout, self.told()
        return self.finished

    def records(self):
        """Every record, oldest first, as `waymark why` tells it."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.server.url}/admin/records?limit=500", timeout=DEADLINE) as answer:
            listed = json.load(answer)["records"]
        told = []
        for row in reversed(listed):
            why = self.server.run("why", row["record"], "--json")
            assert why.returncode == 0, why
            told.append(json.loads(why.stdout))
        return told

    def asked(self, times):
        """What the upstream saw each time it was asked for a turn of the task, once it was asked so often."""
        until = time.monotonic() + DEADLINE
        while True:
            seen = [json.loads(line) for line in self.seen[1:]]
            turns = [asked for asked in seen if asked["told"] != "a title"]
            if len(turns) >= times or time.monotonic() > until:
                return turns
            time.sleep(0.01)

    def told(self):
        """Everything there is to say about a run that went wrong."""
        how = "was ended after too long" if self.finished.code is None else f"ended with {self.finished.code}"
        return "\n".join([
            f"{self.agent.name} {how}",
            "--- its output", self.finished.stdout[-6000:],
            "--- its errors", self.finished.stderr[-6000:],
            "--- what the upstream saw", *(line.strip() for line in self.seen[1:41]),
        ])


@pytest.fixture(scope="session")
def outside():
    """The address of a proxy that nobody answers."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def agent_at(tmp_path, outside):
    """Makes an agent with a home and a project of its own, pointed at an address."""

    def make(name, model, url):
        home, project = tmp_path / "agent", tmp_path / "project"
        home.mkdir()
        project.mkdir()
        return AGENTS[name](home, project, url, model, outside)

    return make


@pytest.fixture
def rig(request, tmp_path, agent_at):
    """An agent that asks Waymark for a model, before an upstream of one kind."""
    name, model, upstream = request.param
    kind, path, dialect, upstream_model = UPSTREAMS[upstream]
    home, seen = tmp_path / "server", []
    home.mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "SCRIPTED_KEY": "upstream-key"}
    with scripted_upstream(dialect, seen=seen) as port:
        config = home / "waymark.toml"
        config.write_text(CONFIG.format(kind=kind, path=path, port=port, dialect=dialect, model=upstream_model))
        with serving(config, str(home / "data"), environment) as server:
            yield Rig(agent_at(name, model, server.url), seen, server, upstream, upstream_model)


@pytest.fixture
def unrouted(request, agent_at):
    """An agent that asks an upstream of its own dialect with nothing between."""
    name, model = request.param
    seen = []
    with scripted_upstream(AGENTS[name].dialect, seen=seen) as port:
        yield Rig(agent_at(name, model, f"http://127.0.0.1:{port}"), seen)
