"""The upstreams of the suite, one of each kind, and the ways a client may take: through Waymark to each, or straight."""

import json
import urllib.request
from dataclasses import dataclass, field

import pytest
from programs import DEADLINE

PROVIDER = """
[providers.{name}]
kind = "{kind}"
base_url = "http://127.0.0.1:{port}{path}"
api_key_env = "SCRIPTED_KEY"
retries = 0
breaker = false
{more}
"""

MODEL = """
[models.{name}-{behaviour}]
provider = "{name}"
id = "mock-{behaviour}"
"""

CAUSES = {400: "bad_request", 401: "auth", 429: "rate_limited", 500: "server_error"}

BEHAVIOURS = ["small", "tools", "sees", "json", "embed", "400", "401", "429", "500", "cut", "long"]

UNSIGNED = {"gemini-embed", "openai-images", "openai-transcriptions", "openai-speech"}


@dataclass
class Upstream:
    """A provider of one kind before the scripted upstream."""

    name: str
    kind: str
    # The dialect that others are converted into, and those it is spoken to in as they come.
    dialect: str
    spoken: set = field(default_factory=set)
    # What it embeds and fills in the middle in, if it does.
    embeds: str | None = None
    fills: str | None = None
    path: str = ""
    more: str = ""

    def dialect_for(self, asked):
        """What it is spoken to in for a client of the dialect `asked`."""
        if asked in ("openai-images", "openai-transcriptions", "openai-speech"):
            return asked
        if "embed" in asked:
            return self.embeds
        return self.fills if asked in ("openai-completions", "mistral-fim", "ollama-generate") else self.dialect

    def settings(self, port):
        """Its part of the configuration."""
        provider = PROVIDER.format(name=self.name, kind=self.kind, port=port, path=self.path, more=self.more)
        return provider + "".join(MODEL.format(name=self.name, behaviour=behaviour) for behaviour in BEHAVIOURS)


UPSTREAMS = {
    upstream.name: upstream
    for upstream in (
        Upstream(
            "openai", "openai", "openai-chat", embeds="openai-embeddings", fills="openai-completions", path="/v1"
        ),
        Upstream("responses", "openai", "openai-responses", path="/v1", more='dialects = ["openai-responses"]'),
        Upstream("anthropic", "anthropic", "anthropic-messages"),
        # Its own client treats models otherwise whose names have `gemini` in them.
        Upstream("google", "gemini", "gemini", embeds="gemini-embed"),
        Upstream("ollama", "ollama", "ollama-chat", embeds="ollama-embed", fills="ollama-generate"),
        Upstream(
            "mistral", "mistral", "openai-chat", embeds="openai-embeddings", fills="mistral-fim", path="/mistral/v1"
        ),
        Upstream(
            "azure", "azure-openai", "openai-chat", {"openai-responses"}, embeds="openai-embeddings",
            more='api_version = "2024-10-21"',
        ),
        Upstream("llama", "llama-cpp", "openai-chat", embeds="openai-embeddings", fills="llama-infill"),
    )
}


class Way:
    """How a client reaches a model: the control goes straight to the scripted upstream, nothing between."""

    def __init__(self, url, upstream=None, server=None):
        self.url, self.upstream, self.server, self.clients = url, upstream, server, {}

    def client(self, make):
        """The client that `make` makes for this way, once for the whole suite."""
        if make not in self.clients:
            self.clients[make] = make(self)
        return self.clients[make]

    def model(self, behaviour):
        """The name of a model that behaves so."""
        return f"{self.upstream.name}-{behaviour}" if self.server else f"mock-{behaviour}"

    def record(self):
        """The newest record, as `waymark why` tells it; none on the straight way."""
        if self.server is None:
            return None
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.server.url}/admin/records?limit=1", timeout=DEADLINE) as answer:
            newest = json.load(answer)["records"][0]["record"]
        why = self.server.run("why", newest, "--json")
        assert why.returncode == 0, why
        return json.loads(why.stdout)

    @property
    def call_tokens(self):
        """How many tokens two tool calls take; thoughts before them count."""
        return 24 + (8 if self.upstream and self.upstream.dialect == "gemini" else 0)

    def embedding_usage(self, tokens):
        """What is known of the usage of an embedding, which puts out nothing; Gemini counts nothing at all."""
        return (None, None) if self.upstream and self.upstream.kind == "gemini" else (tokens, 0)

    def failed(self, dialect, status):
        """Checks what the newest record says of an error."""
        told = self.record()
        if told is None:
            return
        (attempt,) = told["attempts"]
        assert (told["dialect"], told["outcome"], told["served_model"]) == (dialect, "failed", None), told
        assert (attempt["status"], attempt["error"]) == (status, CAUSES[status]), told

    def broke_off(self, dialect):
        """Checks what the newest record says of a stream without its end."""
        told = self.record()
        assert (told["dialect"], told["outcome"]) == (dialect, "stream_failed"), told
        assert told["attempts"][0]["provider"] == self.upstream.name, told

    def answered(self, dialect, behaviour="small", usage=(21, 5), lost=()):
        """Checks what the newest record says of an answer to a client of this dialect."""
        told = self.record()
        if told is None:
            return
        own = self.upstream.dialect_for(dialect)
        crossed = None if dialect == own or dialect in self.upstream.spoken else own
        (attempt,) = told["attempts"]
        assert told["outcome"] == "succeeded" and told["error"] is None, told
        assert (told["dialect"], told["provider"]) == (dialect, self.upstream.name)
        assert told["requested_model"] == self.model(behaviour)
        # Gemini's embeddings, pictures and sounds do not state which model made them.
        served = f"mock-{behaviour}-2026-01-01" if own not in UNSIGNED else None
        assert (told["resolved_model"], told["served_model"]) == (f"mock-{behaviour}", served)
        assert attempt.get("converted") == crossed
        assert set(attempt.get("lost", [])) == (set(lost) if crossed else set())
        assert (told["usage"]["input"], told["usage"]["output"]) == usage
        assert told["proof"]["verified"] is True


# Every way through Waymark, for tests of what only it does.
ROUTED = pytest.mark.parametrize("way", list(UPSTREAMS), indirect=True)


# Every way to a model that embeds.
EMBEDDING = pytest.mark.parametrize(
    "way", ["straight", *(name for name, upstream in UPSTREAMS.items() if upstream.embeds)], indirect=True
)
