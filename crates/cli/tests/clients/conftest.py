"""The real binary before scripted upstreams of every kind, once for the whole suite."""

import os
import pathlib
import subprocess
import tempfile

import pytest
from programs import scripted_upstream, serving

pytest.register_assert_rewrite("upstreams")

from unsupported import expected_to_fail  # noqa: E402
from upstreams import UPSTREAMS, Way  # noqa: E402: rewritten first, so that it tells what it found

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
{upstreams}
[models.flash]
provider = "embedded"

[routes.auto]
ladder = ["flash", "openai-small"]
"""


def pytest_collection_modifyitems(items):
    for item in items:
        if mark := expected_to_fail(f"{item.path.stem}::{item.name}"):
            item.add_marker(mark)


@pytest.fixture(scope="session")
def upstream_port():
    with scripted_upstream() as port:
        yield port


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
    upstreams = "".join(upstream.settings(upstream_port) for upstream in UPSTREAMS.values())
    config, data = home / "waymark.toml", str(home / "data")
    config.write_text(CONFIG.format(repository=repository, upstreams=upstreams))
    with serving(config, data, environment) as running:
        yield running


@pytest.fixture(scope="session")
def ways():
    """The ways taken so far, by name."""
    return {}


@pytest.fixture(params=["straight", *UPSTREAMS])
def way(request, ways, upstream_port):
    """Each way to a model in turn."""
    name = request.param
    if name not in ways:
        server = request.getfixturevalue("server") if name in UPSTREAMS else None
        url = server.url if server else f"http://127.0.0.1:{upstream_port}"
        ways[name] = Way(url, UPSTREAMS.get(name), server)
    return ways[name]
