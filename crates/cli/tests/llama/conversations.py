"""The same question in each dialect of conversations, and what was answered.

`said` is text, calls, the reason to stop, and tokens in and out: alike whether the answer came whole or in pieces.
"""

import json
from itertools import chain

QUESTION = "How is the weather?"
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string", "enum": ["Bern"]}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOL = {"name": "weather", "description": "The weather in a city.", "parameters": CITY}


def joined(texts):
    return "".join(text or "" for text in texts)


def last(values):
    """The newest that says something."""
    return [value for value in values if value is not None][-1]


class OpenAiChat:
    name = "openai-chat"
    stops = {"limit": "length", "end": "stop", "call": "tool_calls"}

    def request(self, model, stream, limit, tools=False, schema=False):
        body = {"model": model, "messages": [{"role": "user", "content": QUESTION}], "max_tokens": limit}
        if tools:
            body["tools"] = [{"type": "function", "function": TOOL}]
        if schema:
            body["response_format"] = {"type": "json_schema", "json_schema": {"name": "city", "schema": CITY}}
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return "/v1/chat/completions", body

    def said(self, pieces):
        choices = list(chain.from_iterable(piece["choices"] for piece in pieces))
        messages = [choice.get("delta") or choice.get("message") or {} for choice in choices]
        parts = list(chain.from_iterable(message.get("tool_calls") or [] for message in messages))
        name = joined(part["function"].get("name") for part in parts)
        arguments = joined(part["function"].get("arguments") for part in parts)
        usage = last(piece.get("usage") for piece in pieces)
        return (
            joined(message.get("content") for message in messages),
            [(name, json.loads(arguments))] if parts else [],
            last(choice["finish_reason"] for choice in choices),
            (usage["prompt_tokens"], usage["completion_tokens"]),
        )


class OpenAiResponses:
    name = "openai-responses"
    stops = {"limit": "incomplete", "end": "completed", "call": "completed"}

    def request(self, model, stream, limit, tools=False, schema=False):
        body = {"model": model, "input": QUESTION, "max_output_tokens": limit, "stream": stream}
        if tools:
            body["tools"] = [{"type": "function", **TOOL}]
        if schema:
            body["text"] = {"format": {"type": "json_schema", "name": "city", "schema": CITY}}
        return "/v1/responses", body

    def said(self, pieces):
        response = pieces[-1].get("response") or pieces[-1]
        contents = chain.from_iterable(item.get("content") or [] for item in response["output"])
        calls = [item for item in response["output"] if item["type"] == "function_call"]
        usage = response["usage"]
        return (
            joined(content["text"] for content in contents),
            [(call["name"], json.loads(call["arguments"])) for call in calls],
            response["status"],
            (usage["input_tokens"], usage["output_tokens"]),
        )


class AnthropicMessages:
    name = "anthropic-messages"
    stops = {"limit": "max_tokens", "end": "end_turn", "call": "tool_use"}

    def request(self, model, stream, limit, tools=False, schema=False):
        body = {"model": model, "messages": [{"role": "user", "content": QUESTION}], "max_tokens": limit}
        if tools:
            body["tools"] = [{"name": TOOL["name"], "description": TOOL["description"], "input_schema": CITY}]
        if schema:
            body["output_config"] = {"format": {"type": "json_schema", "schema": CITY}}
        return "/v1/messages", body | {"stream": stream}

    def said(self, pieces):
        if pieces[0]["type"] == "message":
            blocks, stop, usages = pieces[0]["content"], pieces[0]["stop_reason"], [pieces[0]["usage"]]
            calls = [(block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"]
            text = joined(block.get("text") for block in blocks)
        else:
            deltas = [piece["delta"] for piece in pieces if piece["type"] == "content_block_delta"]
            begun = [piece["content_block"] for piece in pieces if piece["type"] == "content_block_start"]
            arguments = joined(delta.get("partial_json") for delta in deltas)
            calls = [(block["name"], json.loads(arguments)) for block in begun if block["type"] == "tool_use"]
            text = joined(delta.get("text") for delta in deltas)
            ended = [piece for piece in pieces if piece["type"] == "message_delta"][-1]
            stop, usages = ended["delta"]["stop_reason"], [pieces[0]["message"]["usage"], ended["usage"]]
            assert pieces[-1]["type"] == "message_stop"
        count = {key: value for usage in usages for key, value in usage.items() if value is not None}
        read = count["input_tokens"] + count.get("cache_read_input_tokens", 0)
        return text, calls, stop, (read, count["output_tokens"])


class Gemini:
    name = "gemini"
    stops = {"limit": "MAX_TOKENS", "end": "STOP", "call": "STOP"}

    def request(self, model, stream, limit, tools=False, schema=False):
        config = {"maxOutputTokens": limit}
        if schema:
            config |= {"responseMimeType": "application/json", "responseJsonSchema": CITY}
        body = {"contents": [{"role": "user", "parts": [{"text": QUESTION}]}], "generationConfig": config}
        if tools:
            declared = {"name": TOOL["name"], "description": TOOL["description"], "parametersJsonSchema": CITY}
            body["tools"] = [{"functionDeclarations": [declared]}]
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return f"/v1beta/models/{model}:{method}", body

    def said(self, pieces):
        candidates = list(chain.from_iterable(piece.get("candidates") or [] for piece in pieces))
        parts = list(chain.from_iterable((one.get("content") or {}).get("parts") or [] for one in candidates))
        calls = [part["functionCall"] for part in parts if "functionCall" in part]
        usage = last(piece.get("usageMetadata") for piece in pieces)
        return (
            joined(part.get("text") for part in parts),
            [(call["name"], call["args"]) for call in calls],
            last(candidate.get("finishReason") for candidate in candidates),
            (usage["promptTokenCount"], usage["candidatesTokenCount"]),
        )


class OllamaChat:
    name = "ollama-chat"
    stops = {"limit": "length", "end": "stop", "call": "stop"}

    def request(self, model, stream, limit, tools=False, schema=False):
        body = {"model": model, "messages": [{"role": "user", "content": QUESTION}], "stream": stream}
        if tools:
            body["tools"] = [{"type": "function", "function": TOOL}]
        if schema:
            body["format"] = CITY
        return "/api/chat", body | {"options": {"num_predict": limit}}

    def said(self, pieces):
        calls = chain.from_iterable(piece["message"].get("tool_calls") or [] for piece in pieces)
        return (
            joined(piece["message"]["content"] for piece in pieces),
            [(call["function"]["name"], call["function"]["arguments"]) for call in calls],
            pieces[-1]["done_reason"],
            (pieces[-1]["prompt_eval_count"], pieces[-1]["eval_count"]),
        )


DIALECTS = [OpenAiChat(), OpenAiResponses(), AnthropicMessages(), Gemini(), OllamaChat()]
