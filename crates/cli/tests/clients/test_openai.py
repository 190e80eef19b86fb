"""The official OpenAI client: chat, and completions by the embedded model."""

import json
import re

import openai
import pytest
from samples import CITY, CITY_TOLD, HELLO, PIXEL, WEATHER, WEATHER_TOLD
from upstreams import ROUTED, UPSTREAMS

DIALECT = "openai-chat"
MESSAGES = [{"role": "user", "content": "Say hello."}]
PROMPT = """use std::collections::BTreeMap;

pub struct Shelf9 {
    items: BTreeMap<String, u64>,
}

impl Shelf9 {
    pub fn insert(&mut self, """
ERRORS = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    429: openai.RateLimitError,
    500: openai.InternalServerError,
}


def make(way):
    return openai.OpenAI(base_url=f"{way.url}/v1", api_key="client-key", max_retries=0)


@pytest.fixture
def client(way):
    return way.client(make)


@pytest.fixture(scope="module")
def here(server):
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="client-key", max_retries=0) as client:
        yield client


def test_a_plain_answer(client, way):
    answer = client.chat.completions.create(model=way.model("small"), messages=MESSAGES)
    assert answer.choices[0].message.content == HELLO
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == "mock-small-2026-01-01"
    assert answer.usage.total_tokens == 26
    way.answered(DIALECT)


def test_a_streamed_answer(client, way):
    stream = client.chat.completions.create(
        model=way.model("small"), messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    choices = [choice for chunk in chunks for choice in chunk.choices]
    assert [choice.delta.content for choice in choices if choice.delta.content] == re.findall(r"\S+ ?", HELLO)
    assert [choice.finish_reason for choice in choices if choice.finish_reason] == ["stop"]
    assert chunks[-1].usage.completion_tokens == 5
    way.answered(DIALECT)


def test_a_long_stream(client, way):
    stream = client.chat.completions.create(model=way.model("long"), messages=MESSAGES, stream=True)
    choices = [choice for chunk in stream for choice in chunk.choices]
    words = [choice.delta.content for choice in choices if choice.delta.content]
    assert words == [f"word{number} " for number in range(200)]


def test_tool_calls_and_their_results(client, way):
    answer = client.chat.completions.create(model=way.model("tools"), messages=MESSAGES, tools=[WEATHER])
    calls = answer.choices[0].message.tool_calls
    assert [json.loads(call.function.arguments)["city"] for call in calls] == ["Zürich", "Bern"]
    assert answer.choices[0].finish_reason == "tool_calls"
    way.answered(DIALECT, "tools", usage=(21, way.call_tokens))
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": text}
        for call, text in zip(calls, ("sunny", "rainy"))
    ]
    messages = [*MESSAGES, answer.choices[0].message.model_dump(exclude_none=True), *results]
    told = client.chat.completions.create(model=way.model("tools"), messages=messages, tools=[WEATHER])
    assert told.choices[0].message.content == WEATHER_TOLD


def test_streamed_tool_calls(client, way):
    with client.chat.completions.stream(model=way.model("tools"), messages=MESSAGES, tools=[WEATHER]) as stream:
        stream.until_done()
        message = stream.get_final_completion().choices[0].message
    assert [json.loads(call.function.arguments)["city"] for call in message.tool_calls] == ["Zürich", "Bern"]
    assert {call.function.name for call in message.tool_calls} == {"get_weather"}
    assert len({call.id for call in message.tool_calls}) == 2


def test_a_picture(client, way):
    parts = [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
    ]
    messages = [{"role": "user", "content": parts}]
    answer = client.chat.completions.create(model=way.model("sees"), messages=messages)
    assert answer.choices[0].message.content == "70 bytes of PNG"


def test_an_answer_by_a_schema(client, way):
    form = {"type": "json_schema", "json_schema": {"name": "city", "schema": CITY, "strict": True}}
    answer = client.chat.completions.create(model=way.model("json"), messages=MESSAGES, response_format=form)
    assert json.loads(answer.choices[0].message.content) == CITY_TOLD


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", list(ERRORS))
def test_errors_have_their_types(client, way, status, stream):
    with pytest.raises(ERRORS[status]) as caught:
        client.chat.completions.create(model=way.model(str(status)), messages=MESSAGES, stream=stream)
    assert "the upstream" in caught.value.message
    way.failed(DIALECT, status)


@ROUTED
def test_a_stream_that_breaks_off_raises(client, way):
    stream = client.chat.completions.create(model=way.model("cut"), messages=MESSAGES, stream=True)
    seen = []
    with pytest.raises(openai.APIError):
        for chunk in stream:
            seen.extend(chunk.choices)
    assert seen and all(choice.finish_reason is None for choice in seen)
    way.broke_off(DIALECT)


# Mistral refuses what it does not know, and nothing is taken out of what it is sent in its own dialect.
@pytest.mark.parametrize("way", ["straight", *(name for name in UPSTREAMS if name != "mistral")], indirect=True)
def test_what_another_dialect_has_no_words_for_is_told(client, way):
    client.chat.completions.create(model=way.model("small"), messages=MESSAGES, logit_bias={"50256": -100})
    way.answered(DIALECT, lost={"logit_bias"})


def test_models_are_listed(here):
    names = {model.id for model in here.models.list()}
    assert {"auto", "flash", "openai-small", "anthropic-small"} <= names


@pytest.mark.parametrize("way", ["straight", "openai", "mistral", "ollama", "llama"], indirect=True)
def test_filling_in_the_middle(client, way):
    ask = {"model": way.model("small"), "prompt": "fn main() {", "suffix": "}", "max_tokens": 32}
    answer = client.completions.create(**ask)
    assert (answer.choices[0].text, answer.choices[0].finish_reason) == (HELLO, "stop")
    way.answered("openai-completions")
    chunks = [choice for chunk in client.completions.create(stream=True, **ask) for choice in chunk.choices]
    assert "".join(choice.text for choice in chunks) == HELLO
    assert chunks[-1].finish_reason == "stop"


def test_a_completion_from_the_embedded_model(here):
    answers = [
        here.completions.create(model="flash", prompt=PROMPT, suffix="\n}\n", max_tokens=32) for _ in range(2)
    ]
    assert answers[0].model.startswith("waymark-flash-1+")
    assert answers[0].choices[0].text == answers[1].choices[0].text


def test_a_streamed_completion_from_the_embedded_model(here):
    plain = here.completions.create(model="flash", prompt=PROMPT, suffix="\n}\n", max_tokens=32)
    stream = here.completions.create(model="flash", prompt=PROMPT, suffix="\n}\n", max_tokens=32, stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream if chunk.choices) == plain.choices[0].text


def test_the_record_can_be_asked_for(here, server):
    raw = here.chat.completions.with_raw_response.create(model="openai-small", messages=MESSAGES)
    assert raw.parse().choices[0].message.content
    record = raw.headers["x-waymark-record"]
    assert re.fullmatch(r"[0-9a-f-]{36}", record)
    assert raw.headers["x-waymark-model"] and raw.headers["x-waymark-route"]
    why = server.run("why", record, "--json")
    assert why.returncode == 0, why
    told = json.loads(why.stdout)
    assert told["requested_model"] == "openai-small"
    assert told["served_model"] == "mock-small-2026-01-01"
    assert told["client"].startswith("OpenAI/Python")
