"""The real binary before a scripted upstream, once for the whole suite."""

import os
import pathlib
import queue
import re
import signal
import subprocess
import tempfile
import threading

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[4]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"
DEADLINE = 60

SHELF = """\
use std::collections::BTreeMap;

pub struct Shelf{number} {{
    items: BTreeMap<String, u64>,
}}

impl Shelf{number} {{
    pub fn insert(&mut self, name: &str, count: u64) {{
        self.items.insert(name.to_owned(), count);
    }}

    pub fn count(&self, name: &str) -> u64 {{
        self.items.get(name).copied().unwrap_or_default()
    }}
}}
"""

CONFIG = """
[repository]
path = "{repository}"

[providers.alpha]
kind = "openai"
base_url = "http://127.0.0.1:{port}/v1"
api_key_env = "SCRIPTED_KEY"

[providers.beta]
kind = "anthropic"
base_url = "http://127.0.0.1:{port}"
api_key_env = "SCRIPTED_KEY"

[models.flash]
provider = "embedded"
{models}
[routes.auto]
ladder = ["flash", "openai-small"]
"""

MODEL = """
[models.{name}]
provider = "{provider}"
id = "{id}"
"""

BEHAVIOURS = ["small", "tools", "400", "401", "429", "500", "cut", "long"]


class Server:
    """A running Waymark: where it is, and its commands."""

    def __init__(self, binary, address, data, environment):
        self.binary, self.address, self.data, self.environment = binary, address, data, environment
        self.url = f"http://{address}"

    def run(self, *arguments):
        """Runs a command on the same data directory."""
        command = [self.binary, *arguments, "--data-dir", self.data]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=DEADLINE)


def program(variable, name):
    path = os.environ.get(variable) or TARGET / name
    if not pathlib.Path(path).exists():
        pytest.exit(f"no {path}: run `cargo xtask clients`, which builds it", returncode=2)
    return str(path)


def first_line(stream, pattern):
    """The first line that matches, while everything is read so that the writer never blocks."""
    found, seen = queue.Queue(), []

    def read():
        for line in stream:
            seen.append(line)
            if match := re.search(pattern, line):
                found.put(match[1])
        found.put(None)

    threading.Thread(target=read, daemon=True).start()
    value = found.get(timeout=DEADLINE)
    assert value is not None, f"no line with {pattern} in:\n{''.join(seen)}"
    return value


@pytest.fixture(scope="session")
def upstream_port():
    process = subprocess.Popen(
        [program("SCRIPTED_UPSTREAM_BINARY", "scripted-upstream")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )
    yield first_line(process.stdout, r"^(\d+)$")
    process.stdin.close()
    process.wait(timeout=DEADLINE)


@pytest.fixture(scope="session")
def home():
    with tempfile.TemporaryDirectory(prefix="waymark-clients-") as folder:
        yield pathlib.Path(folder)


@pytest.fixture(scope="session")
def environment(home):
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "SCRIPTED_KEY": "upstream-key",
    }


@pytest.fixture(scope="session")
def repository(home, environment):
    folder = home / "repository"
    for number in range(6):
        file = folder / "src" / f"shelf{number}.rs"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(SHELF.format(number=number))
    identity = ["-c", "user.name=Ada Example", "-c", "user.email=ada@example.com"]
    for arguments in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "shelves"]):
        subprocess.run(["git", *identity, *arguments], cwd=folder, env=environment, check=True)
    return folder


@pytest.fixture(scope="session")
def server(home, environment, repository, upstream_port):
    models = "".join(
        MODEL.format(name=f"{dialect}-{behaviour}", provider=provider, id=f"mock-{behaviour}")
        for dialect, provider in (("openai", "alpha"), ("anthropic", "beta"))
        for behaviour in BEHAVIOURS
    )
    config, data = home / "waymark.toml", str(home / "data")
    config.write_text(CONFIG.format(repository=repository, port=upstream_port, models=models))
    binary = program("WAYMARK_BINARY", "waymark")
    process = subprocess.Popen(
        [binary, "serve", "--config", str(config), "--listen", "127.0.0.1:0", "--data-dir", data],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )
    try:
        address = first_line(process.stderr, r"listening on http://([^\s/]+)")
        running = Server(binary, address, data, environment)
        yield running
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=DEADLINE) == 0
        verified = running.run("verify")
        assert verified.returncode == 0, verified
    finally:
        process.kill()
