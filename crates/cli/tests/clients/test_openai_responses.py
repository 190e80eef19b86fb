"""The official OpenAI client in the Responses dialect."""

import json

import openai
import pytest
from samples import CITY, CITY_TOLD, HELLO, PIXEL, WEATHER_TOLD
from upstreams import ROUTED

DIALECT = "openai-responses"
ASK = "Say hello."
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def make(way):
    return openai.OpenAI(base_url=f"{way.url}/v1", api_key="client-key", max_retries=0)


@pytest.fixture
def client(way):
    return way.client(make).responses


def test_a_plain_answer(client, way):
    answer = client.create(model=way.model("small"), input=ASK)
    assert answer.output_text == HELLO
    assert (answer.status, answer.model) == ("completed", "mock-small-2026-01-01")
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (21, 5)
    way.answered(DIALECT)


def test_a_streamed_answer(client, way):
    with client.stream(model=way.model("small"), input=ASK) as stream:
        events = list(stream)
        answer = stream.get_final_response()
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert len(deltas) == 5 and "".join(deltas) == answer.output_text == HELLO
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert answer.usage.output_tokens == 5
    way.answered(DIALECT)


@pytest.mark.parametrize("stream", [False, True])
def test_tool_calls_and_their_results(client, way, stream):
    ask = {"model": way.model("tools"), "input": ASK, "tools": [WEATHER]}
    if stream:
        with client.stream(**ask) as events:
            answer = events.get_final_response()
    else:
        answer = client.create(**ask)
    calls = [item for item in answer.output if item.type == "function_call"]
    assert [json.loads(call.arguments)["city"] for call in calls] == ["Zürich", "Bern"]
    way.answered(DIALECT, "tools", usage=(21, way.call_tokens))
    results = [
        {"type": "function_call_output", "call_id": call.call_id, "output": text}
        for call, text in zip(calls, ("sunny", "rainy"))
    ]
    told = [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in answer.output]
    again = [{"role": "user", "content": ASK}, *told, *results]
    assert client.create(model=way.model("tools"), input=again, tools=[WEATHER]).output_text == WEATHER_TOLD


def test_a_picture(client, way):
    parts = [
        {"type": "input_text", "text": "What is it?"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}", "detail": "auto"},
    ]
    answer = client.create(model=way.model("sees"), input=[{"role": "user", "content": parts}])
    assert answer.output_text == "70 bytes of PNG"


def test_an_answer_by_a_schema(client, way):
    form = {"type": "json_schema", "name": "city", "schema": CITY, "strict": True}
    answer = client.create(model=way.model("json"), input=ASK, text={"format": form})
    assert json.loads(answer.output_text) == CITY_TOLD


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
    ],
)
def test_errors_have_their_types(client, way, status, error, stream):
    with pytest.raises(error) as caught:
        client.create(model=way.model(str(status)), input=ASK, stream=stream)
    assert "the upstream" in caught.value.message
    way.failed(DIALECT, status)


@ROUTED
def test_a_stream_that_breaks_off_ends_in_an_error(client, way):
    events = list(client.create(model=way.model("cut"), input=ASK, stream=True))
    assert events[-1].type in ("error", "response.failed")
    assert "response.completed" not in {event.type for event in events}
    way.broke_off(DIALECT)


def test_what_another_dialect_has_no_words_for_is_told(client, way):
    client.create(model=way.model("small"), input=ASK, truncation="auto")
    way.answered(DIALECT, lost={"truncation"})
