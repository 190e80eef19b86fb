"""What Waymark cannot do yet, by test and way. Strict: once it can, the test says so and the line goes."""

import re

import pytest

ALL = "(openai|responses|anthropic|google|ollama|mistral|azure|llama)"

EMBEDDINGS = "embeddings are not converted yet"

UNSUPPORTED = {
    rf"genai.*tokens_are_counted\[{ALL}\]": "Gemini's countTokens is not answered",
    r"mistral.*tool_calls_and_their_results\[(openai|responses|anthropic|google|ollama|azure|llama)-True\]":
        "Mistral's client wants a tool's name in every piece of a call, which OpenAI's dialect says once",
    r"media.*a_text_is_spoken\[(openai|azure)\]": "an answer that is no JSON is taken for none",
    r"ollama.*test_embeddings\[(openai|google|mistral|azure|llama)\]": EMBEDDINGS,
    r"genai.*test_embeddings\[(openai|ollama|mistral|azure|llama)\]": EMBEDDINGS,
    r"(mistral|media).*test_embeddings\[.*(google|ollama)\]": EMBEDDINGS,
}


def expected_to_fail(name):
    """The mark for a test that fails for a known reason."""
    for pattern, reason in UNSUPPORTED.items():
        if re.search(pattern, name):
            return pytest.mark.xfail(strict=True, reason=reason)
    return None
