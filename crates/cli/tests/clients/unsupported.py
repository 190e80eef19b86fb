"""What Waymark cannot do yet, by test and way. Strict: once it can, the test says so and the line goes."""

import re

import pytest

UNSUPPORTED = {
    r"mistral.*tool_calls_and_their_results\[(openai|responses|anthropic|google|ollama|azure|llama)-True\]":
        "Mistral's client wants a tool's name in every piece of a call, which OpenAI's dialect says once",
}


def expected_to_fail(name):
    """The mark for a test that fails for a known reason."""
    for pattern, reason in UNSUPPORTED.items():
        if re.search(pattern, name):
            return pytest.mark.xfail(strict=True, reason=reason)
    return None
