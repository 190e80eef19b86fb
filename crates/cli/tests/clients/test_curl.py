"""Plain curl, the way a README shows it."""

import json
import subprocess

import pytest

CHAT = {"model": "openai-small", "messages": [{"role": "user", "content": "Say hello."}]}
MESSAGE = {"model": "anthropic-small", "max_tokens": 64, "messages": [{"role": "user", "content": "Say hello."}]}


def curl(server, path, body=None, *arguments):
    """Status, headers in lower case, and body."""
    command = ["curl", "--silent", "--show-error", "--no-buffer", "--include", "--max-time", "30"]
    command += ["--noproxy", "*", *arguments, f"{server.url}{path}"]
    if body is not None:
        text = body if isinstance(body, str) else json.dumps(body)
        command += ["--header", "content-type: application/json", "--data-binary", text]
    output = subprocess.run(command, capture_output=True, timeout=60, env=server.environment)
    assert output.returncode == 0, output
    head, _, answer = output.stdout.decode().partition("\r\n\r\n")
    lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    return int(lines[0].split()[1]), headers, answer


@pytest.mark.parametrize(("path", "body"), [("/v1/chat/completions", CHAT), ("/v1/messages", MESSAGE)])
def test_a_plain_answer(server, path, body):
    status, headers, answer = curl(server, path, body)
    assert status == 200
    assert "Hello from the scripted upstream." in answer
    assert headers["content-type"].startswith("application/json")
    assert {"x-waymark-record", "x-waymark-model", "x-waymark-route"} <= set(headers)


@pytest.mark.parametrize(
    ("path", "body", "end"),
    [
        ("/v1/chat/completions", CHAT, "data: [DONE]\n\n"),
        ("/v1/messages", MESSAGE, 'event: message_stop\ndata: {"type":"message_stop"}\n\n'),
    ],
)
def test_a_streamed_answer(server, path, body, end):
    status, headers, answer = curl(server, path, {**body, "stream": True})
    assert status == 200
    assert headers["content-type"].startswith("text/event-stream")
    assert headers["x-waymark-record"]
    assert answer.endswith(end)


def test_a_completion_from_the_embedded_model(server):
    body = {"model": "auto", "prompt": "use std::collections::", "suffix": "\n", "max_tokens": 16}
    status, headers, answer = curl(server, "/v1/completions", body)
    assert status == 200
    assert json.loads(answer)["object"] == "text_completion"
    assert headers["x-waymark-model"].startswith("waymark-flash-1+")


@pytest.mark.parametrize(("path", "body"), [("/v1/chat/completions", CHAT), ("/v1/messages", MESSAGE)])
def test_broken_json_is_the_callers_mistake(server, path, body):
    status, headers, answer = curl(server, path, json.dumps(body)[:-1])
    assert status == 400
    assert headers["x-waymark-record"]
    assert json.loads(answer)["error"]["message"]


def test_a_get_shows_health_models_and_the_page(server):
    assert curl(server, "/healthz")[0] == 200
    assert json.loads(curl(server, "/v1/models")[2])["object"] == "list"
    anthropic = curl(server, "/v1/models", None, "--header", "anthropic-version: 2023-06-01")
    assert "has_more" in json.loads(anthropic[2])
    status, headers, page = curl(server, "/")
    assert status == 200 and headers["content-type"].startswith("text/html")
    assert "http://" not in page.replace(server.url, "").replace("http://www.w3.org", "")
