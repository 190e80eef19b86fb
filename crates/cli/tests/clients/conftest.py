"""The real binary before a scripted upstream, once for the whole suite."""

import os
import pathlib
import subprocess
import tempfile

import pytest
from programs import scripted_upstream, serving

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
    models = "".join(
        MODEL.format(name=f"{dialect}-{behaviour}", provider=provider, id=f"mock-{behaviour}")
        for dialect, provider in (("openai", "alpha"), ("anthropic", "beta"))
        for behaviour in BEHAVIOURS
    )
    config, data = home / "waymark.toml", str(home / "data")
    config.write_text(CONFIG.format(repository=repository, port=upstream_port, models=models))
    with serving(config, data, environment) as running:
        yield running
