"""What those who watch are told, read by others' programs: OpenTelemetry's own types, and Prometheus' own parser."""

import base64
import http.server
import json
import threading
import urllib.request

import pytest
from conftest import CONFIG
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_CUMULATIVE
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics
from programs import DEADLINE, serving
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from samples import WEATHER
from test_curl import curl
from upstreams import UPSTREAMS

TELEMETRY = """
[ledger]
payloads = "keep"

[telemetry]
otlp_endpoint = "http://127.0.0.1:{port}"
content = true
"""


class Collector(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.told.append((self.path, self.headers["content-type"], json.loads(body)))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments):
        pass


def asked(server):
    """Answers of several kinds: whole, streamed, converted, embedded, suggested, failed, refused."""
    hello = [{"role": "user", "content": "Say hello."}]
    for model in ("openai-small", "anthropic-small", "google-small", "openai-tools", "openai-500"):
        for stream in (False, True):
            tools = {"tools": [WEATHER]} if model == "openai-tools" else {}
            curl(server, "/v1/chat/completions", {"model": model, "stream": stream, "messages": hello} | tools)
    curl(server, "/v1/embeddings", {"model": "openai-embed", "input": "a shelf"})
    curl(server, "/v1/completions", {"model": "flash", "prompt": "use std::collections::", "max_tokens": 8})
    curl(server, "/v1/chat/completions", "{")


@pytest.fixture(scope="module")
def watched(tmp_path_factory, environment, repository, upstream_port):
    """What a collector was told of all that, and the page that is scraped."""
    collector = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    collector.told = []
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    folder = tmp_path_factory.mktemp("watched")
    upstreams = "".join(upstream.settings(upstream_port) for upstream in UPSTREAMS.values())
    upstreams += TELEMETRY.format(port=collector.server_port)
    (folder / "waymark.toml").write_text(CONFIG.format(repository=repository, upstreams=upstreams))
    with serving(folder / "waymark.toml", str(folder / "data"), environment) as server:
        asked(server)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{server.url}/metrics", timeout=DEADLINE) as answer:
            page = answer.read().decode()
    collector.shutdown()
    return collector.told, page


def parsed(told, path, kind):
    bodies = [body for at, content_type, body in told if at == path and content_type == "application/json"]
    assert bodies
    return [json_format.ParseDict(with_base64(body), kind()) for body in bodies]


def with_base64(value):
    """OTLP writes ids as hexadecimal where protobuf's own JSON has base64; nothing else differs."""
    if isinstance(value, list):
        return [with_base64(item) for item in value]
    if not isinstance(value, dict):
        return value
    ids = ("traceId", "spanId", "parentSpanId")
    told = {key: with_base64(item) for key, item in value.items()}
    return told | {key: base64.b64encode(bytes.fromhex(value[key])).decode() for key in ids if key in value}


def spans_of(told):
    requests = parsed(told, "/v1/traces", ExportTraceServiceRequest)
    scopes = [scope for request in requests for of in request.resource_spans for scope in of.scope_spans]
    return [span for scope in scopes for span in scope.spans]


def attributes_of(thing):
    """Name and value, whatever its type; a name is there once."""
    names = [pair.key for pair in thing.attributes]
    assert len(names) == len(set(names)), names
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in thing.attributes}


def known(module, name):
    return name in [value for key, value in vars(module).items() if key.startswith("GEN_AI_")]


def test_spans_are_opentelemetrys(watched):
    spans = spans_of(watched[0])
    roots = {span.trace_id: span for span in spans if not span.parent_span_id}
    assert len(roots) == 13 and len({span.span_id for span in spans}) == len(spans)
    for span in spans:
        assert (len(span.trace_id), len(span.span_id)) == (16, 8)
        assert span.start_time_unix_nano <= span.end_time_unix_nano
        parent = roots[span.trace_id]
        assert span.parent_span_id in (b"", parent.span_id)
        attributes = attributes_of(span)
        for name in attributes:
            ours = name.startswith(("waymark.", "gen_ai.gateway."))
            assert ours or name in ("error.type", "http.response.status_code") or known(gen_ai_attributes, name), name
        failed = span.status.code == Status.STATUS_CODE_ERROR
        assert failed == ("error.type" in attributes)
    kinds = [span.kind for span in roots.values()]
    assert kinds == [Span.SPAN_KIND_SERVER] * len(roots)


def test_the_conventions_words_are_used(watched):
    roots = [attributes_of(span) for span in spans_of(watched[0]) if not span.parent_span_id]
    operations = {attributes["gen_ai.operation.name"] for attributes in roots}
    assert operations == {"chat", "embeddings", "text_completion"}
    providers = {attributes.get("gen_ai.provider.name") for attributes in roots}
    assert providers == {"openai", "anthropic", "gcp.gemini", "waymark", None}
    streamed = [attributes for attributes in roots if "gen_ai.response.time_to_first_chunk" in attributes]
    assert streamed and all(attributes["gen_ai.request.stream"] for attributes in streamed)


def test_messages_are_of_the_conventions_form(watched):
    told = [attributes_of(span) for span in spans_of(watched[0])]
    inputs = [json.loads(each["gen_ai.input.messages"]) for each in told if "gen_ai.input.messages" in each]
    outputs = [json.loads(each["gen_ai.output.messages"]) for each in told if "gen_ai.output.messages" in each]
    assert len(inputs) == 10 and len(outputs) == 8
    assert all(each == [{"role": "user", "parts": [{"type": "text", "content": "Say hello."}]}] for each in inputs)
    kinds = {part["type"] for (message,) in outputs for part in message["parts"]}
    assert kinds == {"text", "tool_call"}
    assert {message["finish_reason"] for (message,) in outputs} == {"stop", "tool_call"}


def test_metrics_are_opentelemetrys(watched):
    newest = parsed(watched[0], "/v1/metrics", ExportMetricsServiceRequest)[-1]
    metrics = [metric for of in newest.resource_metrics for scope in of.scope_metrics for metric in scope.metrics]
    assert len(metrics) == 3
    for metric in metrics:
        assert known(gen_ai_metrics, metric.name), metric.name
        assert metric.histogram.aggregation_temporality == AGGREGATION_TEMPORALITY_CUMULATIVE
        for point in metric.histogram.data_points:
            assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
            assert sum(point.bucket_counts) == point.count and point.min <= point.max <= point.sum
            assert all(known(gen_ai_attributes, name) or name == "error.type" for name in attributes_of(point))
    durations = next(metric for metric in metrics if metric.name == "gen_ai.client.operation.duration")
    assert sum(point.count for point in durations.histogram.data_points) == 13


def test_the_page_is_openmetrics(watched):
    families = {family.name: family for family in text_string_to_metric_families(watched[1])}
    answers = families["waymark_answers"]
    assert answers.type == "counter"
    assert sum(sample.value for sample in answers.samples) == 13
    assert families["waymark_answer_duration_seconds"].type == "histogram"
    assert families["waymark_ledger_writable"].samples[0].value == 1
    assert families["process_resident_memory_bytes"].samples[0].value > 1 << 20
    labels = {key for family in families.values() for sample in family.samples for key in sample.labels}
    closed = {"task", "route", "outcome", "type", "cause", "reason", "le", "version"}
    assert labels == closed | {"model", "provider", "deployment"}
