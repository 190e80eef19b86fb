"""Completions of code: llama.cpp's own clients pass through, the others are converted into its `/infill`."""

import pytest
from asking import ask
from conftest import SERVED

BEFORE, LINE, BEHIND = "fn add(a: u8, b: u8) -> u8 {\n", "    a ", "\n}\n"
# A seed makes the random model say the same again, and without the cache to the last bit.
INFILL = {"input_prefix": BEFORE, "prompt": LINE, "input_suffix": BEHIND, "n_predict": 24, "seed": 7}
INFILL |= {"cache_prompt": False}
EXTRA = {"filename": "src/sub.rs", "text": "fn sub(a: u8, b: u8) -> u8 { a - b }\n"}
# How OpenAI, Mistral and Ollama all put it.
STOPS = {"limit": "length", "word": "stop"}


def plain(piece):
    """What of an answer is the same every time."""
    return {key: value for key, value in piece.items() if not key.startswith("timings")}


@pytest.fixture
def infill(server, why):
    """Asks as llama.vim does, without a model's name; the record must be llama.cpp's answer's."""

    def infill(**more):
        answer = ask(server.url, "/infill", INFILL | more)
        assert answer.status == 200, answer.text
        told = why(answer)
        assert (told["outcome"], told["dialect"], told["task"]) == ("succeeded", "llama-infill", "completion")
        assert (told["requested_model"], told["provider"]) == ("auto", "local")
        assert "converted" not in told["attempts"][0]
        return answer, told

    return infill


def test_llama_cpps_own_dialect_passes_through(infill, llama, stream):
    answer, told = infill(stream=stream)
    direct = ask(llama.url, "/infill", INFILL | {"stream": stream})
    assert list(map(plain, answer.pieces())) == list(map(plain, direct.pieces()))
    end = answer.pieces()[-1]
    assert "".join(piece["content"] for piece in answer.pieces()).isalpha()
    assert (told["served_model"], told["usage"]["output"]) == (SERVED, 24)
    assert told["usage"]["input"] == end["tokens_evaluated"]


def test_only_the_fields_asked_for(infill, stream):
    """What llama.vim asks for: the last event of a stream then says neither that it is the last, nor of what model."""
    answer, told = infill(stream=stream, response_fields=["content", "timings/predicted_n", "truncated"])
    assert set(answer.pieces()[-1]) == {"content", "timings/predicted_n", "truncated"}
    assert sum(len(piece["content"]) for piece in answer.pieces()) == 24
    assert (told["served_model"], told["usage"]["output"]) == (None, 24)


def test_a_request_that_warms_up_reaches_the_servers_cache(infill, llama):
    extra = [{"filename": "warm.rs", "text": "// warmed up\n" * 20}]
    own = {"n_predict": 0, "cache_prompt": True, "input_extra": extra}
    first, _ = infill(**own, response_fields=["timings/cache_n"])
    again = ask(llama.url, "/infill", INFILL | own | {"n_predict": 1}).json()
    assert first.json()["timings/cache_n"] < len(extra[0]["text"])
    assert again["timings"]["cache_n"] == again["tokens_evaluated"] - 1


def test_other_files_are_read(infill):
    (alone, _), (among, told) = infill(), infill(input_extra=[EXTRA])
    more = among.json()["tokens_evaluated"] - alone.json()["tokens_evaluated"]
    assert more == len("<") + len(EXTRA["filename"] + "\n" + EXTRA["text"])
    assert told["usage"]["input"] == among.json()["tokens_evaluated"]


class OpenAi:
    path = "/v1/completions"

    def request(self, stop, stream):
        asked = {"prompt": BEFORE + LINE, "suffix": BEHIND, "max_tokens": 24, "seed": 7, "stop": stop}
        return asked | {"stream": stream, "stream_options": {"include_usage": True} if stream else None}

    def said(self, pieces):
        choices = [choice for piece in pieces for choice in piece["choices"]]
        usage = pieces[-1]["usage"]
        return (
            "".join(choice["text"] for choice in choices), choices[-1]["finish_reason"],
            (usage["prompt_tokens"], usage["completion_tokens"]),
        )


class Mistral:
    path = "/v1/fim/completions"

    def request(self, stop, stream):
        asked = {"prompt": BEFORE + LINE, "suffix": BEHIND, "max_tokens": 24, "random_seed": 7, "stop": stop}
        return asked | {"stream": stream}

    def said(self, pieces):
        choices = [choice for piece in pieces for choice in piece["choices"]]
        messages = [choice.get("delta") or choice.get("message") for choice in choices]
        usage = pieces[-1]["usage"]
        return (
            "".join(message["content"] for message in messages), choices[-1]["finish_reason"],
            (usage["prompt_tokens"], usage["completion_tokens"]),
        )


class Ollama:
    path = "/api/generate"

    def request(self, stop, stream):
        options = {"num_predict": 24, "seed": 7, "stop": stop}
        return {"prompt": BEFORE + LINE, "suffix": BEHIND, "options": options, "stream": stream}

    def said(self, pieces):
        end = pieces[-1]
        counts = (end["prompt_eval_count"], end["eval_count"])
        return "".join(piece["response"] for piece in pieces), end["done_reason"], counts


@pytest.mark.parametrize("client", [OpenAi(), Mistral(), Ollama()], ids=lambda client: type(client).__name__)
@pytest.mark.parametrize("end", ["limit", "word"])
def test_other_clients_are_answered_by_infill(server, why, llama, client, end, stream):
    whole = ask(llama.url, "/infill", INFILL).json()["content"]
    stop = [] if end == "limit" else [whole[9:13]]
    direct = ask(llama.url, "/infill", INFILL | {"stop": stop}).json()
    answer = ask(server.url, client.path, client.request(stop, stream) | {"model": "tiny"})
    assert answer.status == 200, answer.text
    tokens = (direct["tokens_evaluated"], direct["tokens_predicted"])
    assert client.said(answer.pieces()) == (direct["content"], STOPS[end], tokens)
    told = why(answer)
    assert (told["outcome"], told["task"], told["served_model"]) == ("succeeded", "completion", SERVED)
    assert (told["usage"]["input"], told["usage"]["output"]) == tokens
    assert told["attempts"][0]["converted"] == "llama-infill"


def test_a_prompt_with_nothing_behind_it_passes_through(server, why):
    body = {"model": "tiny", "prompt": BEFORE, "max_tokens": 5}
    answer = ask(server.url, "/v1/completions", body)
    assert len(answer.json()["choices"][0]["text"]) == 5
    told = why(answer)
    assert "converted" not in told["attempts"][0]
    assert (told["usage"]["input"], told["usage"]["output"]) == (len(BEFORE), 5)
