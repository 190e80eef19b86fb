"""The official Mistral client: chat is OpenAI's dialect but for details, filling in the middle is its own."""

import json

import pytest
from mistralai.client import Mistral
from mistralai.client.errors import MistralError
from samples import BOOK, CITY, CITY_TOLD, HELLO, PIXEL, SHELF, WEATHER, WEATHER_TOLD
from upstreams import EMBEDDING, ROUTED

DIALECT = "openai-chat"
MESSAGES = [{"role": "user", "content": "Say hello."}]


def make(way):
    return Mistral(api_key="client-key", server_url=way.url if way.server else f"{way.url}/mistral")


@pytest.fixture
def client(way):
    return way.client(make)


def test_a_plain_answer(client, way):
    answer = client.chat.complete(model=way.model("small"), messages=MESSAGES)
    assert answer.choices[0].message.content == HELLO
    assert (answer.choices[0].finish_reason, answer.model) == ("stop", "mock-small-2026-01-01")
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (21, 5)
    way.answered(DIALECT)


def test_a_streamed_answer(client, way):
    chunks = [event.data for event in client.chat.stream(model=way.model("small"), messages=MESSAGES)]
    choices = [choice for chunk in chunks for choice in chunk.choices]
    assert "".join(choice.delta.content or "" for choice in choices) == HELLO
    assert [choice.finish_reason for choice in choices if choice.finish_reason] == ["stop"]
    # OpenAI's dialect states usage only to those who ask, which this client does not.
    asks = not way.server or way.upstream.name == "mistral" or way.upstream.dialect != DIALECT
    way.answered(DIALECT, usage=(21, 5) if asks else (None, None))


@pytest.mark.parametrize("stream", [False, True])
def test_tool_calls_and_their_results(client, way, stream):
    ask = {"model": way.model("tools"), "messages": MESSAGES, "tools": [WEATHER]}
    calls = streamed_calls(client.chat.stream(**ask)) if stream else [
        (call.id, call.function.name, call.function.arguments)
        for call in client.chat.complete(**ask).choices[0].message.tool_calls
    ]
    assert [(name, json.loads(arguments)["city"]) for _, name, arguments in calls] == [
        ("get_weather", "Zürich"), ("get_weather", "Bern"),
    ]
    made = [{"id": id, "function": {"name": name, "arguments": arguments}} for id, name, arguments in calls]
    results = [
        {"role": "tool", "tool_call_id": id, "name": name, "content": text}
        for (id, name, _), text in zip(calls, ("sunny", "rainy"))
    ]
    messages = [*MESSAGES, {"role": "assistant", "content": "", "tool_calls": made}, *results]
    told = client.chat.complete(model=way.model("tools"), messages=messages, tools=[WEATHER])
    assert told.choices[0].message.content == WEATHER_TOLD
    way.answered(DIALECT, "tools", usage=(21, 4))


def streamed_calls(stream):
    """Ids, names and joined arguments of the calls that a stream makes."""
    calls = {}
    for event in stream:
        for call in event.data.choices[0].delta.tool_calls or []:
            id, name, arguments = calls.get(call.index, ("", "", ""))
            fresh = call.id if call.id not in (None, "null") else ""
            calls[call.index] = (id or fresh, name or call.function.name, arguments + call.function.arguments)
    return list(calls.values())


def test_a_picture(client, way):
    parts = [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": f"data:image/png;base64,{PIXEL}"},
    ]
    answer = client.chat.complete(model=way.model("sees"), messages=[{"role": "user", "content": parts}])
    assert answer.choices[0].message.content == "70 bytes of PNG"


def test_an_answer_by_a_schema(client, way):
    form = {"type": "json_schema", "json_schema": {"name": "city", "schema": CITY, "strict": True}}
    answer = client.chat.complete(model=way.model("json"), messages=MESSAGES, response_format=form)
    assert json.loads(answer.choices[0].message.content) == CITY_TOLD


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_errors_have_their_status(client, way, status, stream):
    ask = client.chat.stream if stream else client.chat.complete
    with pytest.raises(MistralError) as caught:
        ask(model=way.model(str(status)), messages=MESSAGES)
    assert caught.value.status_code == status
    assert "the upstream" in caught.value.body
    way.failed(DIALECT, status)


@ROUTED
def test_a_stream_that_breaks_off_raises(client, way):
    seen = []
    with pytest.raises(MistralError):
        for event in client.chat.stream(model=way.model("cut"), messages=MESSAGES):
            seen.append(event.data)
    assert seen and all(choice.finish_reason is None for chunk in seen for choice in chunk.choices)
    way.broke_off(DIALECT)


@pytest.mark.parametrize("way", ["straight", "mistral", "llama", "ollama", "openai"], indirect=True)
def test_filling_in_the_middle(client, way):
    answer = client.fim.complete(model=way.model("small"), prompt="fn main() {", suffix="}")
    assert answer.choices[0].message.content == HELLO
    # OpenAI's completions end after 16 tokens unless told otherwise.
    way.answered("mistral-fim", lost={"no_limit"} if way.server and way.upstream.name == "openai" else ())
    chunks = [event.data for event in client.fim.stream(model=way.model("small"), prompt="fn main() {", suffix="}")]
    assert "".join(chunk.choices[0].delta.content for chunk in chunks) == HELLO
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_filling_in_the_middle_by_the_embedded_model(server):
    with Mistral(api_key="client-key", server_url=server.url) as client:
        answer = client.fim.complete(model="flash", prompt="use std::collections::", suffix="\n", max_tokens=16)
    assert answer.model.startswith("waymark-flash-1+")


@EMBEDDING
def test_embeddings(client, way):
    answer = client.embeddings.create(model=way.model("embed"), inputs=["a shelf", "a book"])
    assert [entry.embedding for entry in answer.data] == [SHELF, BOOK]
    way.answered("openai-embeddings", "embed", usage=way.embedding_usage(4))


@ROUTED
def test_models_are_listed(client, way):
    assert {"auto", way.model("small")} <= {model.id for model in client.models.list().data}
