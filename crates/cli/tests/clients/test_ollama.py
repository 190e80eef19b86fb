"""The official Ollama client."""

import base64

import ollama
import pytest
from samples import BOOK, CITY, HELLO, PIXEL, SHELF, WEATHER, WEATHER_TOLD
from upstreams import EMBEDDING, ROUTED

DIALECT = "ollama-chat"
MESSAGES = [{"role": "user", "content": "Say hello."}]


def make(way):
    return ollama.Client(host=way.url, headers={"authorization": "Bearer client-key"})


@pytest.fixture
def client(way):
    return way.client(make)


def test_a_plain_answer(client, way):
    answer = client.chat(model=way.model("small"), messages=MESSAGES)
    assert answer.message.content == HELLO
    assert (answer.done, answer.done_reason, answer.model) == (True, "stop", "mock-small-2026-01-01")
    assert (answer.prompt_eval_count, answer.eval_count) == (21, 5)
    way.answered(DIALECT)


def test_a_streamed_answer(client, way):
    lines = list(client.chat(model=way.model("small"), messages=MESSAGES, stream=True))
    assert "".join(line.message.content for line in lines) == HELLO
    assert [line.done for line in lines].count(True) == 1 and lines[-1].done
    assert lines[-1].eval_count == 5
    way.answered(DIALECT)


def test_a_prompt_instead_of_messages(client, way):
    answer = client.generate(model=way.model("small"), prompt="Say hello.")
    assert answer.response == HELLO and answer.done
    lines = list(client.generate(model=way.model("small"), prompt="Say hello.", stream=True))
    assert "".join(line.response for line in lines) == HELLO and lines[-1].done


@pytest.mark.parametrize("way", ["straight", "openai", "mistral", "ollama", "llama"], indirect=True)
def test_filling_in_the_middle(client, way):
    ask = {"model": way.model("small"), "prompt": "fn main() {", "suffix": "}", "options": {"num_predict": 32}}
    assert client.generate(**ask).response == HELLO
    way.answered("ollama-generate")
    assert "".join(line.response for line in client.generate(stream=True, **ask)) == HELLO


@pytest.mark.parametrize("stream", [False, True])
def test_tool_calls_and_their_results(client, way, stream):
    answer = client.chat(model=way.model("tools"), messages=MESSAGES, tools=[WEATHER], stream=stream)
    calls = [call for line in answer for call in line.message.tool_calls or []] if stream else answer.message.tool_calls
    assert [(call.function.name, call.function.arguments["city"]) for call in calls] == [
        ("get_weather", "Zürich"), ("get_weather", "Bern"),
    ]
    way.answered(DIALECT, "tools", usage=(21, way.call_tokens))
    results = [{"role": "tool", "tool_name": "get_weather", "content": text} for text in ("sunny", "rainy")]
    messages = [*MESSAGES, {"role": "assistant", "content": "", "tool_calls": calls}, *results]
    told = client.chat(model=way.model("tools"), messages=messages, tools=[WEATHER])
    assert told.message.content == WEATHER_TOLD


def test_a_picture(client, way):
    message = {"role": "user", "content": "What is it?", "images": [base64.b64decode(PIXEL)]}
    answer = client.chat(model=way.model("sees"), messages=[message])
    assert answer.message.content == "70 bytes of PNG"


def test_an_answer_by_a_schema(client, way):
    answer = client.chat(model=way.model("json"), messages=MESSAGES, format=CITY)
    assert answer.message.content == '{"degrees":21,"name":"Zürich"}'


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_errors_have_their_status(client, way, status, stream):
    with pytest.raises(ollama.ResponseError) as caught:
        answer = client.chat(model=way.model(str(status)), messages=MESSAGES, stream=stream)
        list(answer)
    assert caught.value.status_code == status
    assert "the upstream" in caught.value.error
    way.failed(DIALECT, status)


@ROUTED
def test_a_stream_that_breaks_off_raises(client, way):
    seen = []
    with pytest.raises(ollama.ResponseError):
        for line in client.chat(model=way.model("cut"), messages=MESSAGES, stream=True):
            seen.append(line)
    assert seen and not any(line.done for line in seen)
    way.broke_off(DIALECT)


def test_what_another_dialect_has_no_words_for_is_told(client, way):
    client.chat(model=way.model("small"), messages=MESSAGES, options={"num_ctx": 8192}, keep_alive="5m")
    way.answered(DIALECT, lost={"keep_alive", "option:num_ctx"})


@EMBEDDING
def test_embeddings(client, way):
    answer = client.embed(model=way.model("embed"), input=["a shelf", "a book"])
    assert answer.embeddings == [SHELF, BOOK]
    one = client.embed(model=way.model("embed"), input="a shelf")
    assert one.embeddings == [SHELF]
    way.answered("ollama-embed", "embed", usage=way.embedding_usage(2))


@ROUTED
def test_models_are_listed_and_shown(client, way):
    assert {"auto", "openai-small", way.model("small")} <= {model.model for model in client.list().models}
    shown = client.show(way.model("small"))
    assert "completion" in shown.capabilities and shown.details is not None
