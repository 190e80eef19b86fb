"""Embeddings, before a server that speaks OpenAI's dialect."""

import pytest
from asking import ask

TEXTS = ["fn add", "fn sub"]


class OpenAi:
    path, body, converted = "/v1/embeddings", {"model": "vectors", "input": TEXTS}, None

    def vectors(self, answer):
        return [item["embedding"] for item in answer["data"]]


class Ollama:
    path, body, converted = "/api/embed", {"model": "vectors", "input": TEXTS}, "openai-embeddings"

    def vectors(self, answer):
        return answer["embeddings"]


class Gemini:
    path, converted = "/v1beta/models/vectors:batchEmbedContents", "openai-embeddings"
    body = {"requests": [{"model": "models/vectors", "content": {"parts": [{"text": text}]}} for text in TEXTS]}

    def vectors(self, answer):
        return [item["values"] for item in answer["embeddings"]]


@pytest.mark.parametrize("client", [OpenAi(), Ollama(), Gemini()], ids=lambda client: type(client).__name__)
def test_the_vectors_are_llama_cpps_own(server, why, llama_embedding, client):
    answer, direct = ask(server.url, client.path, client.body), ask(llama_embedding.url, OpenAi.path, OpenAi.body)
    assert answer.status == 200, answer.text
    vectors = OpenAi().vectors(direct.json())
    assert client.vectors(answer.json()) == [pytest.approx(vector) for vector in vectors]
    told = why(answer)
    # Here llama.cpp repeats the name that it was asked for.
    assert (told["outcome"], told["task"], told["served_model"]) == ("succeeded", "embedding", "tiny-1")
    assert told["usage"]["input"] == sum(map(len, TEXTS))
    assert told["attempts"][0].get("converted") == client.converted
