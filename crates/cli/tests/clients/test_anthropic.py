"""The official Anthropic client."""

import json

import anthropic
import pytest
from samples import CITY, CITY_TOLD, HELLO, PIXEL, WEATHER_TOLD
from upstreams import ROUTED

DIALECT = "anthropic-messages"
ASK = {"max_tokens": 256, "messages": [{"role": "user", "content": "Say hello."}]}
WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def make(way):
    return anthropic.Anthropic(base_url=way.url, api_key="client-key", max_retries=0)


@pytest.fixture
def client(way):
    return way.client(make).messages


def test_a_plain_answer(client, way):
    answer = client.create(model=way.model("small"), **ASK)
    assert answer.content[0].text == HELLO
    assert answer.stop_reason == "end_turn"
    assert answer.model == "mock-small-2026-01-01"
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (21, 5)
    way.answered(DIALECT)


def test_a_streamed_answer(client, way):
    with client.stream(model=way.model("small"), **ASK) as stream:
        words = list(stream.text_stream)
        answer = stream.get_final_message()
    assert len(words) == 5 and "".join(words) == HELLO == answer.content[0].text
    assert answer.usage.output_tokens == 5
    way.answered(DIALECT)


def test_a_long_stream(client, way):
    with client.stream(model=way.model("long"), **ASK) as stream:
        assert list(stream.text_stream) == [f"word{number} " for number in range(200)]


@pytest.mark.parametrize("stream", [False, True])
def test_tool_calls_and_their_results(client, way, stream):
    ask = {"model": way.model("tools"), "tools": [WEATHER], **ASK}
    if stream:
        with client.stream(**ask) as events:
            answer = events.get_final_message()
    else:
        answer = client.create(**ask)
    calls = [block for block in answer.content if block.type == "tool_use"]
    assert [(call.name, call.input["city"]) for call in calls] == [("get_weather", "Zürich"), ("get_weather", "Bern")]
    assert answer.stop_reason == "tool_use"
    way.answered(DIALECT, "tools", usage=(21, way.call_tokens))
    results = [
        {"type": "tool_result", "tool_use_id": call.id, "content": text}
        for call, text in zip(calls, ("sunny", "rainy"))
    ]
    ask["messages"] = [
        *ASK["messages"], {"role": "assistant", "content": answer.content}, {"role": "user", "content": results},
    ]
    assert client.create(**ask).content[0].text == WEATHER_TOLD


def test_a_picture(client, way):
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    parts = [{"type": "image", "source": source}, {"type": "text", "text": "What is it?"}]
    ask = {**ASK, "messages": [{"role": "user", "content": parts}]}
    assert client.create(model=way.model("sees"), **ask).content[0].text == "70 bytes of PNG"


def test_an_answer_by_a_schema(client, way):
    form = {"format": {"type": "json_schema", "schema": CITY}}
    answer = client.create(model=way.model("json"), output_config=form, **ASK)
    assert json.loads(answer.content[0].text) == CITY_TOLD


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, anthropic.BadRequestError, "invalid_request_error"),
        (401, anthropic.AuthenticationError, "authentication_error"),
        (429, anthropic.RateLimitError, "rate_limit_error"),
        (500, anthropic.InternalServerError, "api_error"),
    ],
)
def test_errors_have_their_types(client, way, status, error, kind, stream):
    with pytest.raises(error) as caught:
        client.create(model=way.model(str(status)), stream=stream, **ASK)
    assert "the upstream" in caught.value.message
    assert caught.value.body["error"]["type"] == kind
    way.failed(DIALECT, status)


@ROUTED
def test_a_stream_that_breaks_off_raises(client, way):
    kinds = []
    with pytest.raises(anthropic.APIError):
        for event in client.create(model=way.model("cut"), stream=True, **ASK):
            kinds.append(event.type)
    assert kinds and "message_stop" not in kinds and "message_delta" not in kinds
    way.broke_off(DIALECT)


def test_what_another_dialect_has_no_words_for_is_told(client, way):
    client.create(model=way.model("small"), service_tier="auto", **ASK)
    way.answered(DIALECT, lost={"service_tier"})


def test_tokens_are_counted(client, way):
    assert client.count_tokens(model=way.model("small"), messages=ASK["messages"]).input_tokens > 0


def test_models_are_listed(server):
    with anthropic.Anthropic(base_url=server.url, api_key="client-key", max_retries=0) as client:
        assert {"auto", "anthropic-small"} <= {model.id for model in client.models.list()}


def test_the_record_can_be_asked_for(server):
    with anthropic.Anthropic(base_url=server.url, api_key="client-key", max_retries=0) as client:
        raw = client.messages.with_raw_response.create(model="anthropic-small", **ASK)
        assert raw.parse().content[0].text
    assert raw.headers["x-waymark-model"] and raw.headers["x-waymark-route"]
    why = server.run("why", raw.headers["x-waymark-record"], "--json")
    assert why.returncode == 0, why
    told = json.loads(why.stdout)
    assert (told["requested_model"], told["served_model"]) == ("anthropic-small", "mock-small-2026-01-01")
    assert told["proof"]["verified"] is True
