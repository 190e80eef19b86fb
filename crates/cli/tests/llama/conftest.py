"""llama.cpp's own server with a tiny model, and the real binary before it, once for the whole suite."""

import json
import os
import pathlib
import subprocess
import tempfile
from contextlib import contextmanager

import model
import pytest
from asking import ask
from programs import DEADLINE, first_line, program, serving

# The name its server gives the model, which is none of those in the configuration.
SERVED = "tiny-1-of-the-suite"

CONFIG = """
[providers.local]
kind = "llama-cpp"
base_url = "{completing}"

[providers.embedding]
kind = "llama-cpp"
base_url = "{embedding}"

[providers.native]
kind = "llama-cpp"
base_url = "{completing}"
dialects = ["openai-chat", "openai-responses", "anthropic-messages"]

[models.tiny]
provider = "local"
id = "tiny-1"
tasks = ["completion", "chat", "agent_step"]

[models.vectors]
provider = "embedding"
id = "tiny-1"
tasks = ["embedding"]

[models.native]
provider = "native"
id = "tiny-1"

[routes.auto]
ladder = ["tiny", "vectors"]
"""


class Llama:
    """A running llama.cpp: where it is, and what it writes into its log."""

    def __init__(self, url, log):
        self.url, self.log = url, log

    def slot(self):
        """What its only slot is at."""
        return ask(self.url, "/slots").json()[0]


@contextmanager
def llama_server(file, *arguments):
    """A server of this model."""
    command = [program("LLAMA_SERVER_BINARY", "llama-server"), "--model", file, "--alias", SERVED, "--offline"]
    command += ["--host", "127.0.0.1", "--port", "0", "--parallel", "1", "--threads", "1", *arguments]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        log = []
        yield Llama(first_line(process.stderr, r"listening on (http://\S+)", log), log)
    finally:
        process.kill()
        process.wait(timeout=DEADLINE)


@pytest.fixture(scope="session")
def home():
    with tempfile.TemporaryDirectory(prefix="waymark-llama-") as folder:
        yield pathlib.Path(folder)


@pytest.fixture(scope="session")
def gguf(home):
    file = str(home / "tiny.gguf")
    model.write(file)
    return file


@pytest.fixture(scope="session")
def llama(gguf):
    """A server that completes and chats. With its context shifted, an answer ends by its limit alone."""
    # Files beside the one at hand are read into what a batch leaves of the context.
    with llama_server(gguf, "--context-shift", "--batch-size", "256", "--slots") as running:
        yield running


@pytest.fixture(scope="session")
def llama_embedding(gguf):
    """A server that embeds, which cannot do anything else."""
    with llama_server(gguf, "--embeddings", "--pooling", "mean") as running:
        yield running


@pytest.fixture(scope="session")
def server(home, llama, llama_embedding):
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    config = home / "waymark.toml"
    config.write_text(CONFIG.format(completing=llama.url, embedding=llama_embedding.url))
    with serving(config, str(home / "data"), environment) as running:
        yield running


@pytest.fixture(params=[False, True], ids=["whole", "stream"])
def stream(request):
    return request.param


@pytest.fixture(scope="session")
def why(server):
    """What the ledger says of an answer."""

    def why(answer):
        told = server.run("why", answer.headers["x-waymark-record"], "--json")
        assert told.returncode == 0, told
        return json.loads(told.stdout)

    return why
