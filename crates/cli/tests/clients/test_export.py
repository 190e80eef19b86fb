"""What is exported, read by others' programs: JSON Schema, in-toto and DSSE."""

import base64
import hashlib
import json

import pytest
from google.protobuf import json_format
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1 import statement_pb2
from jsonschema import Draft202012Validator
from programs import ROOT
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey
from test_curl import curl

SCHEMA = json.loads((ROOT / "docs" / "schema" / "record.schema.json").read_text())


def exported(server, form):
    output = server.run("export", "--format", form)
    assert output.returncode == 0, output
    return [json.loads(line) for line in output.stdout.splitlines()]


@pytest.fixture(scope="module")
def asked(server):
    """Answers of several kinds are on record: whole, streamed, converted, suggested, refused, failed."""
    hello = [{"role": "user", "content": "Say hello."}]
    for model in ("openai-small", "anthropic-small", "google-small", "openai-500", "nobody-knows-this"):
        for stream in (False, True):
            curl(server, "/v1/chat/completions", {"model": model, "stream": stream, "messages": hello})
    curl(server, "/v1/completions", {"model": "flash", "prompt": "use std::collections::", "max_tokens": 8})
    curl(server, "/v1/chat/completions", "{")


def key_of(server):
    """The ledger's public key, as its text has it: name, id, and base64 of a type byte and the key."""
    with open(f"{server.data}/ledger.vkey") as file:
        name, identity, data = file.read().strip().split("+", 2)
    data = base64.b64decode(data)
    assert data[0] == 1 and len(data) == 33
    return SSlibKey(identity, "ed25519", "ed25519", {"public": data[1:].hex()})


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)


def test_every_line_is_as_the_schema_says(server, asked):
    validator = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
    records = exported(server, "jsonl")
    assert len(records) >= 12
    for record in records:
        assert [error.message for error in validator.iter_errors(record)] == [], record
    for wrong in ({"leaves": None}, {"schema": "waymark.record/2"}, {"record": "1"}):
        assert not validator.is_valid(records[0] | wrong), wrong


def test_statements_verify_with_the_ledgers_key(server, asked):
    key = key_of(server)
    envelopes = exported(server, "in-toto")
    assert len(envelopes) >= 7
    for told in envelopes:
        envelope = Envelope.from_dict(told)
        assert list(envelope.verify([key], 1)) == [key.keyid]
        assert envelope.payload_type == "application/vnd.in-toto+json"
        statement = json_format.Parse(envelope.payload, statement_pb2.Statement())
        Statement.copy_from_pb(statement).validate()
        assert statement.type == "https://in-toto.io/Statement/v1"
        envelope.payload = envelope.payload.replace(b"record", b"rec0rd", 1)
        with pytest.raises(VerificationError):
            envelope.verify([key], 1)


def test_a_statements_leaf_leads_to_the_checkpoint_it_carries(server, asked):
    for envelope in exported(server, "in-toto"):
        statement = json.loads(base64.b64decode(envelope["payload"]))
        log = statement["predicate"]["log"]
        inclusion = log["inclusion"]
        node, index, last = bytes.fromhex(statement["subject"][0]["digest"]["sha256"]), log["completion_index"], \
            inclusion["tree_size"] - 1
        # RFC 9162, section 2.1.3.2.
        for sibling in map(base64.b64decode, inclusion["hashes"]):
            if index % 2 or index == last:
                node = hashlib.sha256(b"\1" + sibling + node).digest()
                while index and index % 2 == 0:
                    index, last = index >> 1, last >> 1
            else:
                node = hashlib.sha256(b"\1" + node + sibling).digest()
            index, last = index >> 1, last >> 1
        assert last == 0 and node == base64.b64decode(inclusion["root"])
        origin, size, root = inclusion["checkpoint"].splitlines()[:3]
        assert (origin, int(size), root) == (log["origin"], inclusion["tree_size"], inclusion["root"])
