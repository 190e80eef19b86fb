"""The official Google GenAI client."""

import base64
import json

import pytest
from google import genai
from google.genai import errors, types
from samples import BOOK, CITY, CITY_TOLD, HELLO, PIXEL, SHELF, WEATHER_TOLD
from upstreams import EMBEDDING, ROUTED

DIALECT = "gemini"
ASK = "Say hello."
WEATHER = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="get_weather",
            description="The weather in a city.",
            parameters=types.Schema(
                type="OBJECT", properties={"city": types.Schema(type="STRING")}, required=["city"]
            ),
        )
    ]
)


def make(way):
    options = types.HttpOptions(base_url=way.url, retry_options=types.HttpRetryOptions(attempts=1))
    return genai.Client(api_key="client-key", http_options=options)


@pytest.fixture
def client(way):
    return way.client(make).models


def test_a_plain_answer(client, way):
    answer = client.generate_content(model=way.model("small"), contents=ASK)
    assert answer.text == HELLO
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP
    assert answer.model_version == "mock-small-2026-01-01"
    assert (answer.usage_metadata.prompt_token_count, answer.usage_metadata.candidates_token_count) == (21, 5)
    way.answered(DIALECT)


def test_a_streamed_answer(client, way):
    chunks = list(client.generate_content_stream(model=way.model("small"), contents=ASK))
    assert "".join(chunk.text or "" for chunk in chunks) == HELLO
    assert len([chunk for chunk in chunks if chunk.text]) == 5
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP
    assert chunks[-1].usage_metadata.candidates_token_count == 5
    way.answered(DIALECT)


@pytest.mark.parametrize("stream", [False, True])
def test_tool_calls_and_their_results(client, way, stream):
    config = types.GenerateContentConfig(tools=[WEATHER])
    asked = types.Content(role="user", parts=[types.Part(text=ASK)])
    ask = {"model": way.model("tools"), "contents": [asked], "config": config}
    answers = list(client.generate_content_stream(**ask)) if stream else [client.generate_content(**ask)]
    parts = [part for answer in answers for part in answer.candidates[0].content.parts if part.function_call]
    assert [(part.function_call.name, part.function_call.args["city"]) for part in parts] == [
        ("get_weather", "Zürich"), ("get_weather", "Bern"),
    ]
    way.answered(DIALECT, "tools", usage=(21, way.call_tokens))
    results = [
        types.Part(
            function_response=types.FunctionResponse(
                id=part.function_call.id, name="get_weather", response={"output": text}
            )
        )
        for part, text in zip(parts, ("sunny", "rainy"))
    ]
    contents = [asked, types.Content(role="model", parts=parts), types.Content(role="user", parts=results)]
    told = client.generate_content(model=way.model("tools"), contents=contents, config=config)
    assert told.text == WEATHER_TOLD


def test_a_picture(client, way):
    picture = types.Part.from_bytes(data=base64.b64decode(PIXEL), mime_type="image/png")
    answer = client.generate_content(model=way.model("sees"), contents=[picture, "What is it?"])
    assert answer.text == "70 bytes of PNG"


@pytest.mark.parametrize("field", ["response_schema", "response_json_schema"])
def test_an_answer_by_a_schema(client, way, field):
    properties = {"name": {"type": "STRING"}, "degrees": {"type": "INTEGER"}}
    openapi = {"type": "OBJECT", "properties": properties, "required": ["name", "degrees"]}
    schema = CITY if field == "response_json_schema" else openapi
    config = types.GenerateContentConfig(response_mime_type="application/json", **{field: schema})
    answer = client.generate_content(model=way.model("json"), contents=ASK, config=config)
    assert json.loads(answer.text) == CITY_TOLD


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_errors_have_their_status(client, way, status, stream):
    error = errors.ClientError if status < 500 else errors.ServerError
    with pytest.raises(error) as caught:
        if stream:
            list(client.generate_content_stream(model=way.model(str(status)), contents=ASK))
        else:
            client.generate_content(model=way.model(str(status)), contents=ASK)
    names = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL"}
    assert (caught.value.code, caught.value.status) == (status, names[status])
    assert "the upstream" in caught.value.message
    way.failed(DIALECT, status)


@ROUTED
def test_a_stream_that_breaks_off_raises(client, way):
    seen = []
    with pytest.raises(errors.APIError):
        for chunk in client.generate_content_stream(model=way.model("cut"), contents=ASK):
            seen.append(chunk)
    assert seen and all(chunk.candidates[0].finish_reason is None for chunk in seen)
    way.broke_off(DIALECT)


def test_what_another_dialect_has_no_words_for_is_told(client, way):
    safety = types.SafetySetting(category="HARM_CATEGORY_HARASSMENT", threshold="BLOCK_NONE")
    config = types.GenerateContentConfig(safety_settings=[safety])
    client.generate_content(model=way.model("small"), contents=ASK, config=config)
    way.answered(DIALECT, lost={"safety_settings"})


def test_tokens_are_counted(client, way):
    assert client.count_tokens(model=way.model("small"), contents=ASK).total_tokens > 0


@EMBEDDING
def test_embeddings(client, way):
    answer = client.embed_content(model=way.model("embed"), contents=["a shelf", "a book"])
    assert [embedding.values for embedding in answer.embeddings] == [SHELF, BOOK]
    way.answered("gemini-embed", "embed", usage=way.embedding_usage(4))


@ROUTED
def test_models_are_listed(client, way):
    names = {model.name for model in client.list()}
    assert {"models/auto", f"models/{way.model('small')}"} <= names
