"""The programs under test, started and asked the way a user does."""

import os
import pathlib
import queue
import re
import signal
import subprocess
import threading
from contextlib import contextmanager

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILT = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
DEADLINE = 60


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
    """Where a program of this workspace is."""
    path = os.environ.get(variable) or BUILT / "debug" / name
    if not pathlib.Path(path).exists():
        pytest.exit(f"no {path}: `cargo xtask clients`, `agents` and `llama` build what they start", returncode=2)
    return str(path)


def first_line(stream, pattern, seen=None):
    """The first line that matches, while everything is read into `seen` so that the writer never blocks."""
    found, seen = queue.Queue(), [] if seen is None else seen

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


@contextmanager
def scripted_upstream(*arguments, seen=None):
    """A scripted upstream's port; what it prints goes to `seen`."""
    process = subprocess.Popen(
        [program("SCRIPTED_UPSTREAM_BINARY", "scripted-upstream"), *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )
    try:
        yield first_line(process.stdout, r"^(\d+)$", seen)
    finally:
        process.stdin.close()
        process.wait(timeout=DEADLINE)


@contextmanager
def serving(config, data, environment):
    """A Waymark that serves by this configuration; at its end the whole ledger must verify."""
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
        process.wait(timeout=DEADLINE)
