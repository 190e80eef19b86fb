"""What Waymark cannot do yet, by test and way. Strict: once it can, the test says so and the line goes."""

import re

import pytest

# Ways on which a client of another dialect than the upstream's own is answered by conversion.
FROM_GEMINI = "(openai|responses|anthropic|ollama|mistral|azure|llama)"
ALL = "(openai|responses|anthropic|google|ollama|mistral|azure|llama)"

EMBEDDINGS = "embeddings are not converted yet"

UNSUPPORTED = {
    rf"genai.*a_streamed_answer\[{FROM_GEMINI}\]": "other upstreams are not asked for the stream a Gemini client wants",
    rf"genai.*a_stream_that_breaks_off_raises\[{FROM_GEMINI}\]": "the same: a whole answer cannot break off",
    rf"genai.*tokens_are_counted\[{ALL}\]": "Gemini's countTokens is not answered",
    rf"genai.*models_are_listed\[{ALL}\]": "Google's client lists models below /v1, where the list is OpenAI's",
    rf"mistral.*models_are_listed\[{ALL}\]": "Mistral's client refuses a list of models without their types",
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
