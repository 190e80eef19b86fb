"""The agents: how each is pointed at Waymark, given a task without a terminal, and what it says about itself."""

import json
import os
import pathlib
import signal
import subprocess
import uuid
from dataclasses import dataclass

from programs import BUILT

NODE_MODULES = pathlib.Path(os.environ.get("AGENTS_NODE_MODULES", BUILT / "agents-node" / "node_modules"))
KEY = "client-key"


@dataclass
class Finished:
    """How an agent's run ended."""

    code: int | None
    stdout: str
    stderr: str
    session: str | None


class Agent:
    """An agent in a home and a project folder of its own."""

    name = dialect = user_agent = None

    def __init__(self, home, project, url, model, outside):
        self.home, self.project, self.url, self.model = home, project, url, model
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "XDG_CACHE_HOME": str(home / ".cache"),
            "XDG_DATA_HOME": str(home / ".local" / "share"),
            "XDG_STATE_HOME": str(home / ".local" / "state"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "LANG": "C.UTF-8",
            # Whatever is not on this machine is behind a proxy that nobody answers.
            "HTTP_PROXY": outside,
            "HTTPS_PROXY": outside,
            "NO_PROXY": "127.0.0.1",
            "npm_config_offline": "true",
            **self.variables(),
        }

    def variables(self):
        return {}

    def settings(self):
        """Writes the agent's own configuration."""

    def command(self, prompt, session):
        """What to run for a prompt, in a conversation that is there already if one is named."""
        raise NotImplementedError

    def session(self, stdout):
        """The conversation's key as the agent itself tells it."""
        raise NotImplementedError

    def run(self, prompt, at_most, session=None):
        """Gives the agent its task; ends it, with everything it started, after that many seconds."""
        self.settings()
        process = subprocess.Popen(
            self.command(prompt, session), cwd=self.project, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )
        try:
            stdout, stderr = process.communicate(timeout=at_most)
            code = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            stdout, stderr = process.communicate()
            code = None
        return Finished(code, stdout, stderr, self.session(stdout))


class ClaudeCode(Agent):
    name, dialect, user_agent = "claude-code", "anthropic-messages", "claude-cli/"

    def variables(self):
        return {
            "ANTHROPIC_BASE_URL": self.url,
            "ANTHROPIC_API_KEY": KEY,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            "CLAUDE_CODE_MAX_RETRIES": "0",
            # It refuses to act unasked as root unless told that nothing outside can be harmed.
            "IS_SANDBOX": "1",
        }

    def command(self, prompt, session):
        self.own_session = session or str(uuid.uuid4())
        # The program a post-install script would put in place, started by the package's own launcher instead.
        launcher = NODE_MODULES / "@anthropic-ai" / "claude-code" / "cli-wrapper.cjs"
        return [
            "node", str(launcher), "--print", prompt, "--model", self.model,
            "--resume" if session else "--session-id", self.own_session, "--permission-mode", "bypassPermissions",
            "--output-format", "json",
        ]

    def session(self, stdout):
        return self.own_session


class Codex(Agent):
    name, dialect, user_agent = "codex", "openai-responses", "codex_exec/"

    def variables(self):
        return {"WAYMARK_KEY": KEY}

    def settings(self):
        folder = self.home / ".codex"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.toml").write_text(f"""
model = "{self.model}"
model_provider = "waymark"
check_for_update_on_startup = false

[model_providers.waymark]
name = "Waymark"
base_url = "{self.url}/v1"
env_key = "WAYMARK_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0

[analytics]
enabled = false

[features]
plugins = false
""")

    def command(self, prompt, session):
        launcher = NODE_MODULES / "@openai" / "codex" / "bin" / "codex.js"
        return [
            "node", str(launcher), "exec", "--json", "--skip-git-repo-check",
            "--dangerously-bypass-approvals-and-sandbox", *(["resume", session] if session else []), prompt,
        ]

    def session(self, stdout):
        started = (event for event in events(stdout) if event.get("type") == "thread.started")
        return next((event["thread_id"] for event in started), None)


class OpenCode(Agent):
    name, dialect, user_agent = "opencode", "openai-chat", "opencode/"

    def variables(self):
        switches = ["AUTOUPDATE", "MODELS_FETCH", "LSP_DOWNLOAD", "SHARE", "DEFAULT_PLUGINS"]
        return {"OPENCODE_PURE": "1"} | {f"OPENCODE_DISABLE_{switch}": "1" for switch in switches}

    def settings(self):
        model = {"name": self.model, "limit": {"context": 200_000, "output": 8_000}}
        settings = {
            "autoupdate": False,
            "share": "disabled",
            "snapshot": False,
            "permission": {"*": "allow"},
            "model": f"waymark/{self.model}",
            "provider": {
                "waymark": {
                    "npm": "@ai-sdk/openai-compatible",
                    "options": {"baseURL": f"{self.url}/v1", "apiKey": KEY},
                    "models": {self.model: model},
                }
            },
        }
        (self.project / "opencode.json").write_text(json.dumps(settings))

    def command(self, prompt, session):
        # The program a post-install script would link; the plainest build runs on every processor.
        builds = sorted(NODE_MODULES.glob("opencode-*/bin/opencode"), key=lambda path: "baseline" not in str(path))
        assert builds, f"no opencode program in {NODE_MODULES}"
        return [str(builds[0]), "run", "--format", "json", *(["--session", session] if session else []), prompt]

    def session(self, stdout):
        return next((event["sessionID"] for event in events(stdout) if event.get("sessionID")), None)


AGENTS = {agent.name: agent for agent in (ClaudeCode, Codex, OpenCode)}


def events(stdout):
    """The JSON lines of an output."""
    for line in stdout.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event
