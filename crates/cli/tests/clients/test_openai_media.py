"""The official OpenAI client: vectors, pictures and sound."""

import base64

import openai
import pytest
from samples import BOOK, HELLO, PIXEL, SHELF
from upstreams import EMBEDDING

WAVE = b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00" + bytes(24)
MAKES = ["straight", "openai", "azure"]


def make(way):
    return openai.OpenAI(base_url=f"{way.url}/v1", api_key="client-key", max_retries=0)


@pytest.fixture
def client(way):
    return way.client(make)


@EMBEDDING
@pytest.mark.parametrize("encoding", ["float", "base64", None])
def test_embeddings(client, way, encoding):
    asked = {} if encoding is None else {"encoding_format": encoding}
    answer = client.embeddings.create(model=way.model("embed"), input=["a shelf", "a book"], **asked)
    vectors = [entry.embedding for entry in answer.data]
    if encoding == "base64":
        assert [len(base64.b64decode(vector)) for vector in vectors] == [32, 32]
    else:
        assert vectors == [SHELF, BOOK]
    way.answered("openai-embeddings", "embed", usage=way.embedding_usage(4))


@pytest.mark.parametrize("way", ["responses", "anthropic"], indirect=True)
def test_who_makes_no_embeddings_says_so(client, way):
    with pytest.raises(openai.APIStatusError) as caught:
        client.embeddings.create(model=way.model("embed"), input="a shelf")
    assert caught.value.status_code < 500 and way.model("embed") in caught.value.message


@pytest.mark.parametrize("way", MAKES, indirect=True)
def test_a_picture_is_made(client, way):
    answer = client.images.generate(model=way.model("small"), prompt="A dot.")
    assert answer.data[0].b64_json == PIXEL
    way.answered("openai-images")


@pytest.mark.parametrize("way", [*MAKES, "mistral"], indirect=True)
def test_speech_is_understood(client, way):
    answer = client.audio.transcriptions.create(model=way.model("small"), file=("said.wav", WAVE))
    assert answer.text == HELLO
    way.answered("openai-transcriptions")


@pytest.mark.parametrize("way", MAKES, indirect=True)
def test_a_text_is_spoken(client, way):
    answer = client.audio.speech.create(model=way.model("small"), voice="alloy", input="Hello.")
    assert answer.content.startswith(b"\xff\xfb\x90") and len(answer.content) == 3 * 417
    way.answered("openai-speech", usage=(None, None))
