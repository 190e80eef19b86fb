"""What goes wrong: the request, or the client's patience."""

import json
import socket

import pytest
from asking import ask, eventually, send

HI = [{"role": "user", "content": "Hi"}]
LONG = [{"role": "user", "content": "tedious " * 200}]


@pytest.mark.parametrize("path", ["/infill", "/v1/completions", "/v1/chat/completions", "/v1/messages"])
def test_broken_json_is_the_callers_mistake(server, why, llama, path):
    before = llama.slot()["id_task"]
    answer = ask(server.url, path, '{"model": "tiny", "messages": [')
    assert answer.status == 400 and answer.json()["error"]["message"]
    assert why(answer)["outcome"] == "refused"
    assert llama.slot()["id_task"] == before


def test_what_llama_cpp_finds_wrong_passes_through(server, why, llama):
    body = {"input_prefix": "fn ", "input_suffix": "", "n_predict": 2, "top_k": "many"}
    answer, direct = ask(server.url, "/infill", body), ask(llama.url, "/infill", body)
    assert (answer.status, answer.text) == (400, direct.text)
    assert why(answer)["attempts"][0]["status"] == 400


@pytest.mark.parametrize(
    ("path", "kind"), [("/v1/chat/completions", "exceed_context_size_error"), ("/v1/messages", "invalid_request_error")]
)
def test_a_prompt_too_long(server, why, path, kind, stream):
    answer = ask(server.url, path, {"model": "tiny", "messages": LONG, "max_tokens": 9, "stream": stream})
    assert answer.status == 400
    assert answer.json()["error"]["type"] == kind
    assert "exceeds the available context size (1024 tokens)" in answer.json()["error"]["message"]
    told = why(answer)
    assert told["served_model"] is None and told["attempts"][0]["status"] == 400


ENDLESS = 100_000_000
UNENDING = {
    "/infill": {"input_prefix": "fn ", "input_suffix": "", "n_predict": ENDLESS},
    "/v1/chat/completions": {"messages": HI, "max_tokens": ENDLESS},
    "/v1/messages": {"messages": HI, "max_tokens": ENDLESS},
}


@pytest.mark.parametrize("path", UNENDING)
def test_a_client_that_leaves_frees_the_server(server, llama, path, stream):
    connection = send(server.url, path, UNENDING[path] | {"model": "tiny", "stream": stream})
    eventually(lambda: llama.slot()["is_processing"])
    task = llama.slot()["id_task"]
    connection.sock.shutdown(socket.SHUT_RDWR)
    connection.close()
    # Not by asking: while it is asked, llama.cpp does not look whether its clients are still there.
    eventually(lambda: any(f"cancel task, id_task = {task}\n" in line for line in llama.log))
    eventually(lambda: not llama.slot()["is_processing"])
    eventually(lambda: newest(server)["outcome"] == "cancelled")


def newest(server):
    """The newest record."""
    listed = ask(server.url, "/admin/records?limit=1").json()["records"]
    return json.loads(server.run("why", listed[0]["record"], "--json").stdout)
