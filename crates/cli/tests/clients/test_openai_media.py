"""The official OpenAI client: vectors, pictures and sound."""

import base64

import httpx
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


@pytest.mark.parametrize("way", MAKES, indirect=True)
def test_pictures_are_seen_while_they_are_made(client, way):
    events = client.images.generate(model=way.model("small"), prompt="Two dots.", n=2, stream=True, partial_images=1)
    told = [(event.type.removeprefix("image_generation."), event.b64_json) for event in events]
    assert told == [("partial_image", PIXEL), ("completed", PIXEL)] * 2
    way.answered("openai-images")


@pytest.mark.parametrize("way", MAKES, indirect=True)
def test_a_picture_is_changed(client, way):
    picture = ("dot.png", base64.b64decode(PIXEL), "image/png")
    answer = client.images.edit(model=way.model("small"), image=picture, prompt="Another dot.")
    assert answer.data[0].b64_json == PIXEL
    way.answered("openai-images")
    answer = client.images.create_variation(model=way.model("small"), image=picture)
    assert answer.data[0].b64_json == PIXEL
    way.answered("openai-images")


@pytest.mark.parametrize("way", [*MAKES, "mistral"], indirect=True)
def test_speech_is_understood(client, way):
    answer = client.audio.transcriptions.create(model=way.model("small"), file=("said.wav", WAVE))
    assert answer.text == HELLO
    way.answered("openai-transcriptions")


@pytest.mark.parametrize("way", MAKES, indirect=True)
def test_speech_is_understood_word_by_word(client, way):
    events = client.audio.transcriptions.create(model=way.model("small"), file=("said.wav", WAVE), stream=True)
    *deltas, done = events
    assert "".join(event.delta for event in deltas) == done.text == HELLO and len(deltas) > 1
    way.answered("openai-transcriptions")


@pytest.mark.parametrize("way", MAKES, indirect=True)
def test_speech_is_written_down_as_plain_text(client, way):
    asked = {"model": way.model("small"), "file": ("said.wav", WAVE), "response_format": "text"}
    for endpoint in (client.audio.transcriptions, client.audio.translations):
        assert endpoint.create(**asked) == f"{HELLO}\n"
        way.answered("openai-transcriptions", usage=(None, None))


@pytest.mark.parametrize("way", MAKES, indirect=True)
def test_a_text_is_spoken(client, way):
    asked = {"model": way.model("small"), "voice": "alloy", "input": "Hello."}
    answer = client.audio.speech.create(**asked)
    assert answer.content.startswith(b"\xff\xfb\x90") and len(answer.content) == 3 * 417
    way.answered("openai-speech", usage=(None, None))
    with client.audio.speech.with_streaming_response.create(**asked) as streamed:
        assert b"".join(streamed.iter_bytes()) == answer.content
    way.answered("openai-speech", usage=(None, None))


@pytest.mark.parametrize("way", MAKES[1:], indirect=True)
def test_a_sound_that_breaks_off_raises(client, way):
    with pytest.raises((openai.APIError, httpx.TransportError)):
        client.audio.speech.create(model=way.model("cut"), voice="alloy", input="Hello.")
    way.broke_off("openai-speech")
