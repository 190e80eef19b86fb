"""Conversations in every dialect, before a server that speaks OpenAI's."""

import json

import pytest
from asking import ask
from conftest import SERVED
from conversations import DIALECTS, AnthropicMessages, OpenAiChat, OpenAiResponses

CITY = {"city": "Bern"}


@pytest.fixture(params=DIALECTS, ids=lambda dialect: dialect.name)
def dialect(request):
    return request.param


@pytest.fixture
def chat(server, llama, why, dialect, stream):
    """Asks; llama.cpp must have read what it reads when asked itself, and the record tell what the answer says."""

    def chat(limit, **wanted):
        answer = ask(server.url, *dialect.request("tiny", stream, limit, **wanted))
        assert answer.status == 200, answer.text
        text, calls, stop, tokens = dialect.said(answer.pieces())
        told = why(answer)
        assert (told["outcome"], told["dialect"], told["provider"]) == ("succeeded", dialect.name, "local")
        assert [told[f"{which}_model"] for which in ("requested", "resolved", "served")] == ["tiny", "tiny-1", SERVED]
        assert (told["usage"]["input"], told["usage"]["output"]) == tokens
        direct = ask(llama.url, *OpenAiChat().request("tiny", False, 1, **wanted)).json()
        assert direct["usage"]["prompt_tokens"] == tokens[0]
        converted = told["attempts"][0].get("converted")
        assert converted == (None if dialect.name == "openai-chat" else "openai-chat")
        return text, calls, stop, tokens

    return chat


def test_an_answer_goes_on_to_its_limit(chat, dialect):
    text, calls, stop, (_, output) = chat(24)
    assert text.isalpha() and len(text) == output == 24
    assert (calls, stop) == ([], dialect.stops["limit"])


def test_a_tool_is_called(chat, dialect):
    text, calls, stop, _ = chat(200, tools=True)
    assert (text, calls, stop) == ("", [("weather", CITY)], dialect.stops["call"])


def test_an_answer_keeps_to_a_schema(chat, dialect):
    text, calls, stop, _ = chat(200, schema=True)
    assert (json.loads(text), calls, stop) == (CITY, [], dialect.stops["end"])


def test_what_a_tool_said_is_read(server, llama):
    use = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": CITY}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sun"}
    _, body = AnthropicMessages().request("tiny", False, 9, tools=True)
    body["messages"] += [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    answer = ask(server.url, "/v1/messages", body)

    call = {"id": "toolu_1", "type": "function", "function": {"name": "weather", "arguments": json.dumps(CITY)}}
    _, body = OpenAiChat().request("tiny", False, 9, tools=True)
    body["messages"] += [{"role": "assistant", "content": None, "tool_calls": [call]}]
    body["messages"] += [{"role": "tool", "tool_call_id": "toolu_1", "content": "sun"}]
    direct = ask(llama.url, "/v1/chat/completions", body)

    text, calls, _, (read, _) = AnthropicMessages().said(answer.pieces())
    assert (text.isalpha(), calls) == (True, [])
    assert read == direct.json()["usage"]["prompt_tokens"]


@pytest.mark.parametrize("dialect", [OpenAiResponses(), AnthropicMessages()], ids=lambda dialect: dialect.name)
def test_its_other_dialects_pass_through_where_they_are_named(server, why, dialect, stream):
    answer = ask(server.url, *dialect.request("native", stream, 200, tools=True))
    assert answer.status == 200, answer.text
    _, calls, stop, tokens = dialect.said(answer.pieces())
    assert (calls, stop) == ([("weather", CITY)], dialect.stops["call"])
    told = why(answer)
    assert (told["outcome"], told["served_model"], told["provider"]) == ("succeeded", SERVED, "native")
    assert "converted" not in told["attempts"][0]
    assert (told["usage"]["input"], told["usage"]["output"]) == tokens


def test_tokens_are_counted_by_the_server(server, llama):
    _, body = AnthropicMessages().request("native", False, 9, tools=True)
    counted = ask(server.url, "/v1/messages/count_tokens", body)
    assert counted.json() == ask(llama.url, "/v1/messages/count_tokens", body).json()


def test_usage_of_a_stream_is_known_though_the_client_did_not_ask(server, why):
    body = {"model": "tiny", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 3, "stream": True}
    answer = ask(server.url, "/v1/chat/completions", body)
    assert not any("usage" in piece for piece in answer.pieces())
    assert why(answer)["usage"]["output"] == 3
