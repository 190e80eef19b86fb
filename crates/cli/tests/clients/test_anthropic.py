"""The official Anthropic client."""

import json

import anthropic
import pytest

ASK = {"max_tokens": 256, "messages": [{"role": "user", "content": "Say hello."}]}
WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.fixture(scope="module")
def client(server):
    with anthropic.Anthropic(base_url=server.url, api_key="client-key", max_retries=0) as client:
        yield client


def test_a_plain_answer(client):
    answer = client.messages.create(model="anthropic-small", **ASK)
    assert answer.content[0].text == "Hello from the scripted upstream."
    assert answer.stop_reason == "end_turn"
    assert answer.model == "mock-small-2026-01-01"
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (21, 5)


def test_a_streamed_answer(client):
    with client.messages.stream(model="anthropic-small", **ASK) as stream:
        words = list(stream.text_stream)
        answer = stream.get_final_message()
    assert "".join(words) == "Hello from the scripted upstream." == answer.content[0].text
    assert answer.usage.output_tokens == 5


def test_a_long_stream(client):
    with client.messages.stream(model="anthropic-long", **ASK) as stream:
        assert list(stream.text_stream) == [f"word{number} " for number in range(200)]


def test_tool_calls(client):
    answer = client.messages.create(model="anthropic-tools", tools=[WEATHER], **ASK)
    assert [block.input["city"] for block in answer.content] == ["Zürich", "Bern"]
    assert answer.stop_reason == "tool_use"


def test_streamed_tool_calls(client):
    with client.messages.stream(model="anthropic-tools", tools=[WEATHER], **ASK) as stream:
        answer = stream.get_final_message()
    assert [block.input["city"] for block in answer.content] == ["Zürich", "Bern"]
    assert {block.name for block in answer.content} == {"get_weather"}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("anthropic-400", anthropic.BadRequestError),
        ("anthropic-401", anthropic.AuthenticationError),
        ("anthropic-429", anthropic.RateLimitError),
        ("anthropic-500", anthropic.InternalServerError),
    ],
)
def test_errors_have_their_types(client, model, error, stream):
    with pytest.raises(error) as caught:
        client.messages.create(model=model, stream=stream, **ASK)
    assert "the upstream" in caught.value.message
    assert caught.value.response.headers["x-waymark-record"]


def test_a_stream_that_breaks_off_raises(client):
    stream = client.messages.create(model="anthropic-cut", stream=True, **ASK)
    kinds = []
    with pytest.raises(anthropic.APIError):
        for event in stream:
            kinds.append(event.type)
    assert kinds and "message_stop" not in kinds and "message_delta" not in kinds


def test_models_are_listed(client):
    names = {model.id for model in client.models.list()}
    assert {"auto", "anthropic-small"} <= names


def test_the_record_can_be_asked_for(client, server):
    raw = client.messages.with_raw_response.create(model="anthropic-small", **ASK)
    assert raw.parse().content[0].text
    assert raw.headers["x-waymark-model"] and raw.headers["x-waymark-route"]
    why = server.run("why", raw.headers["x-waymark-record"], "--json")
    assert why.returncode == 0, why
    told = json.loads(why.stdout)
    assert (told["requested_model"], told["served_model"]) == ("anthropic-small", "mock-small-2026-01-01")
    assert told["proof"]["verified"] is True
