"""The official OpenAI client."""

import json
import re

import openai
import pytest

MESSAGES = [{"role": "user", "content": "Say hello."}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
PROMPT = """use std::collections::BTreeMap;

pub struct Shelf9 {
    items: BTreeMap<String, u64>,
}

impl Shelf9 {
    pub fn insert(&mut self, """


@pytest.fixture(scope="module")
def client(server):
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="client-key", max_retries=0) as client:
        yield client


def test_a_plain_answer(client):
    answer = client.chat.completions.create(model="openai-small", messages=MESSAGES)
    assert answer.choices[0].message.content == "Hello from the scripted upstream."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == "mock-small-2026-01-01"
    assert answer.usage.total_tokens == 26


def test_a_streamed_answer(client):
    stream = client.chat.completions.create(
        model="openai-small", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "Hello from the scripted upstream."
    assert chunks[-1].usage.completion_tokens == 5
    assert chunks[-2].choices[0].finish_reason == "stop"


def test_a_long_stream(client):
    stream = client.chat.completions.create(model="openai-long", messages=MESSAGES, stream=True)
    words = [chunk.choices[0].delta.content for chunk in stream if chunk.choices[0].delta.content]
    assert words == [f"word{number} " for number in range(200)]


def test_tool_calls(client):
    answer = client.chat.completions.create(model="openai-tools", messages=MESSAGES, tools=[WEATHER])
    calls = answer.choices[0].message.tool_calls
    assert [json.loads(call.function.arguments)["city"] for call in calls] == ["Zürich", "Bern"]
    assert answer.choices[0].finish_reason == "tool_calls"


def test_streamed_tool_calls(client):
    stream = client.chat.completions.create(
        model="openai-tools", messages=MESSAGES, tools=[WEATHER], stream=True
    )
    arguments, names = {}, {}
    for chunk in stream:
        for call in chunk.choices[0].delta.tool_calls or []:
            arguments[call.index] = arguments.get(call.index, "") + (call.function.arguments or "")
            names[call.index] = names.get(call.index) or call.function.name
    assert [json.loads(text)["city"] for text in arguments.values()] == ["Zürich", "Bern"]
    assert set(names.values()) == {"get_weather"}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("openai-400", openai.BadRequestError),
        ("openai-401", openai.AuthenticationError),
        ("openai-429", openai.RateLimitError),
        ("openai-500", openai.InternalServerError),
    ],
)
def test_errors_have_their_types(client, model, error, stream):
    with pytest.raises(error) as caught:
        client.chat.completions.create(model=model, messages=MESSAGES, stream=stream)
    assert "the upstream" in caught.value.message
    assert caught.value.response.headers["x-waymark-record"]


def test_a_stream_that_breaks_off_raises(client):
    stream = client.chat.completions.create(model="openai-cut", messages=MESSAGES, stream=True)
    seen = []
    with pytest.raises(openai.APIError):
        for chunk in stream:
            seen.append(chunk)
    assert seen
    assert all(chunk.choices[0].finish_reason is None for chunk in seen)


def test_models_are_listed(client):
    names = {model.id for model in client.models.list()}
    assert {"auto", "flash", "openai-small", "anthropic-small"} <= names


def test_a_completion_from_the_embedded_model(client):
    answers = [
        client.completions.create(model="flash", prompt=PROMPT, suffix="\n}\n", max_tokens=32) for _ in range(2)
    ]
    assert answers[0].model.startswith("waymark-flash-1+")
    assert answers[0].choices[0].text == answers[1].choices[0].text


def test_a_streamed_completion_from_the_embedded_model(client):
    plain = client.completions.create(model="flash", prompt=PROMPT, suffix="\n}\n", max_tokens=32)
    stream = client.completions.create(model="flash", prompt=PROMPT, suffix="\n}\n", max_tokens=32, stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream if chunk.choices) == plain.choices[0].text


def test_the_record_can_be_asked_for(client, server):
    raw = client.chat.completions.with_raw_response.create(model="openai-small", messages=MESSAGES)
    assert raw.parse().choices[0].message.content
    record = raw.headers["x-waymark-record"]
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", record)
    assert raw.headers["x-waymark-model"] and raw.headers["x-waymark-route"]
    why = server.run("why", record, "--json")
    assert why.returncode == 0, why
    told = json.loads(why.stdout)
    assert told["requested_model"] == "openai-small"
    assert told["served_model"] == "mock-small-2026-01-01"
    assert told["client"].startswith("OpenAI/Python")


def test_an_anthropic_model_asked_for_in_openais_dialect_is_told_or_translated(client):
    try:
        answer = client.chat.completions.create(model="anthropic-small", messages=MESSAGES)
    except openai.APIStatusError as error:
        assert error.status_code in (400, 404, 501, 503)
        assert error.response.headers["x-waymark-record"]
    else:
        assert answer.choices[0].message.content == "Hello from the scripted upstream."
