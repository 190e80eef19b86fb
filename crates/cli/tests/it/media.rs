//! Pictures and sounds: passed through in either direction as they come, and on record all the same.

use serde_json::{Value, json};
use waymark_testkit::{Framing, Gate, Reply, Response, Split, Upstream, Waymark};

use crate::commands::{database, sqlite};
use crate::faults::FULL;
use crate::rig::{BINARY, OPENAI, outcome, sample_repository};

/// A server before one upstream that speaks, listens and paints; the ledger keeps every text.
struct Media {
    waymark: Waymark,
    upstream: Upstream,
}

impl Media {
    fn start() -> Self {
        let (upstream, repository) = (Upstream::start(), sample_repository());
        let mut waymark = Waymark::new(BINARY);
        waymark.env("SCRIPTED_KEY", "upstream-key");
        waymark.configure(&format!(
            r#"
[repository]
path = "{repository}"

[ledger]
payloads = "keep"

[providers.alpha]
kind = "openai"
base_url = "{base}"
api_key_env = "SCRIPTED_KEY"
retries = 0
breaker = false

[providers.azure]
kind = "azure-openai"
base_url = "{root}"
api_version = "2024-10-21"
api_key_env = "SCRIPTED_KEY"
retries = 0
breaker = false

[models.any]
provider = "alpha"
id = "mock-any-1"

[models.deployed]
provider = "azure"
id = "mock-deployed"

[models.speaker]
provider = "alpha"
id = "mock-tts-1"
tasks = ["speech"]

[models.other-speaker]
provider = "alpha"
id = "mock-tts-2"
tasks = ["speech"]

[models.painter]
provider = "alpha"
id = "mock-image-1"
tasks = ["image"]
price = {{ input = 5.0, output = 40.0 }}

[routes.auto]
ladder = ["any", "speaker", "painter"]
fallback = {{ speaker = ["other-speaker"] }}

[aliases]
whisper-1 = "any"
gpt-4o-transcribe = "any"
tts-1 = "speaker"
gpt-image-1 = "painter"
"#,
            repository = repository.path().display(),
            base = upstream.openai_base(),
            root = upstream.anthropic_base(),
        ));
        waymark.start();
        Self { waymark, upstream }
    }

    fn ask(&self, path: &str, body: &Value) -> Response {
        self.waymark.http().post(path, OPENAI, body.to_string())
    }

    fn speak(&self, model: &str) -> Response {
        self.ask("/v1/audio/speech", &json!({"model": model, "voice": "alloy", "input": "Hello."}))
    }

    fn send(&self, path: &str, form: &[u8]) -> Response {
        self.waymark.http().post(path, &[OPENAI, FORM].concat(), form)
    }

    fn transcribe(&self) -> Response {
        self.send("/v1/audio/transcriptions", &form("whisper-1", "file", b"RIFF"))
    }

    fn why(&self, answer: &Response) -> Value {
        self.waymark.why(answer.header("x-waymark-record"))
    }

    /// Recomputes the ledger, which holds every answer as it left.
    fn verified(mut self) {
        assert_eq!(self.waymark.stop().code, Some(0));
        let verified = self.waymark.run(&["verify"]);
        assert_eq!(verified.code, Some(0), "{verified:?}");
    }
}

const FORM: &[(&str, &str)] =
    &[("content-type", "multipart/form-data; charset=x; boundary=\"a form's edge\"")];

/// A form with a file before the model's name.
fn form(model: &str, field: &str, file: &[u8]) -> Vec<u8> {
    let before = format!(
        "--a form's edge\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"a; name=\\\"model\\\".wav\"\r\n\
         Content-Type: audio/wav\r\n\r\n"
    );
    let behind = format!(
        "\r\n--a form's edge\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n{model}\r\n\
         --a form's edge\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\nGr\u{fc}\u{df}e\r\n--a form's edge--\r\n"
    );
    [before.as_bytes(), file, behind.as_bytes()].concat()
}

/// Bytes in which everything occurs, line ends and half a boundary too.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    })
    .take(length)
    .collect();
    noise.extend_from_slice(b"\r\n--a form's edg\r\nname=\"model\"\r\n\r\nwhisper-1\r\n--");
    noise
}

#[test]
fn a_recording_of_twenty_megabytes_changes_in_nothing_but_the_models_name() {
    let media = Media::start();
    let recording = noise(20_000_000);
    let answer = media.send("/v1/audio/transcriptions", &form("whisper-1", "file", &recording));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = media.upstream.last();
    assert!(seen.body == form("mock-any-1", "file", &recording), "{} bytes", seen.body.len());
    assert_eq!(seen.headers.get("content-type"), Some(FORM[0].1));
    assert_eq!(seen.headers.get("authorization"), Some("Bearer upstream-key"));
    let told = media.why(&answer);
    assert_eq!((outcome(&told), &told["task"]), ("succeeded", &json!("transcription")), "{told}");
    assert_eq!(
        (&told["requested_model"], &told["resolved_model"]),
        (&json!("whisper-1"), &json!("mock-any-1"))
    );
    assert!(told["usage"]["input"].is_u64() && told["usage"]["output"].is_u64(), "{told}");
    media.verified();
}

#[test]
fn a_sound_goes_out_as_it_arrives_and_ends_once_it_is_on_record() {
    let media = Media::start();
    let sound = noise(300_000);
    for framing in [Framing::Chunked, Framing::Length, Framing::UntilClose] {
        let gate = Gate::new();
        let reply = Reply::body(200, "audio/mpeg", sound.clone()).split(Split::Every(100_000));
        media.upstream.push(reply.framing(framing).hold_after(1, &gate));
        let body = json!({"model": "tts-1", "voice": "alloy", "input": "Hello."}).to_string();
        let mut exchange =
            media.waymark.http().open("POST", "/v1/audio/speech", OPENAI, body.as_bytes()).unwrap();
        assert_eq!(exchange.headers.get("content-type"), Some("audio/mpeg"));
        let mut begun = Vec::new();
        while begun.len() < 99_999 {
            begun.extend(exchange.piece().unwrap().unwrap());
        }
        let told = media.waymark.why(exchange.headers.get("x-waymark-record").unwrap());
        assert!(told["outcome"].is_null(), "the intent is on record and its end is not: {told}");
        gate.open();
        let answer = exchange.finish();
        assert!(answer.whole && [begun, answer.body.clone()].concat() == sound, "{framing:?}");
        let told = media.why(&answer);
        assert_eq!((outcome(&told), &told["task"]), ("succeeded", &json!("speech")), "{told}");
        assert!(told["usage"]["input"].is_null() && told["served_model"].is_null(), "nobody said: {told}");
    }
    media.verified();
}

#[test]
fn a_sound_that_breaks_off_breaks_off() {
    let media = Media::start();
    for framing in [Framing::Chunked, Framing::Length] {
        media.upstream.push(Reply::text("Hello.").framing(framing).cut_after(2));
        let answer = media.speak("tts-1");
        assert!((answer.status, answer.whole) == (200, false), "{framing:?}: {answer:?}");
        assert_eq!(answer.body.len(), 2 * 417 - 1, "what had arrived, but for what may have been the last");
        let told = media.why(&answer);
        assert_eq!(
            (outcome(&told), &told["error"]),
            ("stream_failed", &json!("the answer broke off upstream"))
        );
    }
    media.verified();
}

#[test]
fn a_sound_whose_end_cannot_be_recorded_has_none() {
    let media = Media::start();
    let gate = Gate::new();
    media.upstream.push(Reply::text("Hello.").hold_after(2, &gate));
    let body = json!({"model": "tts-1", "voice": "alloy", "input": "Hello."}).to_string();
    let mut exchange =
        media.waymark.http().open("POST", "/v1/audio/speech", OPENAI, body.as_bytes()).unwrap();
    assert!(exchange.piece().unwrap().is_some());
    sqlite(&database(&media.waymark), FULL);
    gate.open();
    assert!(!exchange.finish().whole);
}

#[test]
fn another_model_speaks_where_the_first_said_nothing() {
    let media = Media::start();
    for silent in [
        Reply::text("Hello.").cut_after(0),
        Reply::body(200, "audio/mpeg", ""),
        Reply::body(200, "text/html", "<html>sign in</html>"),
        Reply::error(503, "overloaded"),
    ] {
        media.upstream.push(silent);
        let answer = media.speak("auto");
        assert_eq!((answer.status, answer.header("x-waymark-route")), (200, "fallback"));
        assert_eq!(
            (answer.body.len(), media.upstream.last().json()["model"].as_str()),
            (3 * 417, Some("mock-tts-2"))
        );
        let told = media.why(&answer);
        assert_eq!((&told["attempts"][0]["served"], outcome(&told)), (&json!(false), "succeeded"), "{told}");
    }
}

#[test]
fn a_transcript_comes_in_whatever_form_it_was_asked_for() {
    let media = Media::start();
    for (kind, text) in [
        ("text/plain; charset=utf-8", "Gr\u{fc}\u{df}e, {\"error\": 1}\n"),
        ("application/x-subrip", "1\n00:00:00,000 --> 00:00:02,000\nHello.\n\n"),
        ("text/vtt", "WEBVTT\n\n00:00.000 --> 00:02.000\nHello.\n"),
        ("text/plain", "{\"error\":{\"message\":\"as it was said\"}}"),
        ("text/plain", "\n"),
        ("text/plain", ""),
    ] {
        media.upstream.push(Reply::body(200, kind, text));
        let answer = media.transcribe();
        assert_eq!((answer.status, answer.whole, answer.text().as_str()), (200, true, text), "{kind}");
        assert_eq!(answer.header("content-type"), kind);
        assert_eq!(outcome(&media.why(&answer)), "succeeded", "{kind} {text:?}");
    }
    let verbose = json!({"text": "Hello.", "duration": 2.5, "usage": {"type": "duration", "seconds": 3}});
    media.upstream.push(Reply::body(200, "application/json", verbose.to_string()));
    let answer = media.transcribe();
    assert_eq!(answer.json(), verbose);
    assert!(media.why(&answer)["usage"]["input"].is_null(), "seconds are no tokens");
    media.upstream.push(Reply::error(400, "no such language"));
    assert_eq!(media.transcribe().status, 400);
    media.verified();
}

/// Events of a stream, each a write.
fn events(events: &[Value]) -> Vec<Vec<u8>> {
    let written =
        |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or("message"));
    events.iter().map(|event| written(event).into_bytes()).collect()
}

#[test]
fn streams_of_pictures_and_sounds_end_when_they_are_whole() {
    let media = Media::start();
    let usage = json!({"input_tokens": 14, "output_tokens": 101, "total_tokens": 115});
    let picture = "iVBORw0KGgo".repeat(300_000);
    let completed = json!({"type": "image_generation.completed", "b64_json": picture, "usage": usage});
    let painted = events(&[
        json!({"type": "image_generation.partial_image", "b64_json": picture, "partial_image_index": 0}),
        completed.clone(),
        json!({"type": "image_generation.partial_image", "b64_json": picture, "partial_image_index": 0}),
        completed,
    ]);
    let written = events(&[
        json!({"type": "transcript.text.delta", "delta": "Hello."}),
        json!({"type": "transcript.text.done", "text": "Hello.", "usage": usage}),
    ]);
    let spoken = events(&[
        json!({"type": "speech.audio.delta", "audio": "//uQ"}),
        json!({"type": "speech.audio.done", "usage": usage}),
    ]);
    let drawn =
        json!({"model": "gpt-image-1", "prompt": "a dot", "n": 2, "stream": true, "partial_images": 1});
    let said = json!({"model": "tts-1", "voice": "alloy", "input": "Hello.", "stream_format": "sse"});
    for (stream, ask) in [
        (painted, &(|| media.ask("/v1/images/generations", &drawn)) as &dyn Fn() -> Response),
        (written, &|| media.transcribe()),
        (spoken, &|| media.ask("/v1/audio/speech", &said)),
    ] {
        media.upstream.push(Reply::stream(stream.clone()));
        let answer = ask();
        assert!((answer.status, answer.whole) == (200, true) && answer.body == stream.concat());
        let told = media.why(&answer);
        assert_eq!((outcome(&told), &told["usage"]["output"]), ("succeeded", &json!(101)), "{told}");

        media.upstream.push(Reply::stream(stream.clone()).cut_after(1));
        let answer = ask();
        let (begun, end) = answer.body.split_at(stream[0].len());
        assert!(begun == stream[0] && answer.whole);
        assert!(String::from_utf8_lossy(end).contains("\"error\""), "{}", String::from_utf8_lossy(end));
        assert_eq!(outcome(&media.why(&answer)), "stream_failed");
    }
    media.verified();
}

#[test]
fn pictures_are_made_changed_and_varied() {
    let media = Media::start();
    let picture = json!({"created": 1, "data": [{"b64_json": "iVBORw0KGgo".repeat(500_000)}],
        "usage": {"input_tokens": 10, "output_tokens": 1000, "total_tokens": 1010}});
    let prompt = json!({"model": "gpt-image-1", "prompt": "a dot"});
    let ask = |path: &str| match path.ends_with("generations") {
        true => media.ask(path, &prompt),
        false => media.send(path, &form("gpt-image-1", "image", &noise(2000))),
    };
    for path in ["/v1/images/generations", "/v1/images/edits", "/v1/images/variations"] {
        media.upstream.push(Reply::body(200, "application/json", picture.to_string()));
        let answer = ask(path);
        assert!(answer.status == 200 && answer.body == picture.to_string().as_bytes(), "{path}");
        let seen = media.upstream.last();
        assert_eq!(seen.target, path);
        let sent = match path.ends_with("generations") {
            true => prompt.to_string().replace("gpt-image-1", "mock-image-1").into_bytes(),
            false => form("mock-image-1", "image", &noise(2000)),
        };
        assert!(seen.body == sent, "{path}: {}", String::from_utf8_lossy(&seen.body));
        let told = media.why(&answer);
        assert_eq!((outcome(&told), &told["task"]), ("succeeded", &json!("image")), "{told}");
        assert_eq!(told["cost_micro_usd"], json!(10 * 5 + 1000 * 40));
    }
    media.verified();
}

#[test]
fn deployments_are_asked_at_their_own_addresses() {
    let media = Media::start();
    for path in ["/audio/transcriptions", "/audio/translations", "/audio/speech", "/images/generations"] {
        let answer = match path {
            "/audio/transcriptions" | "/audio/translations" => {
                media.upstream.push(Reply::body(200, "text/plain", "Hello.\n"));
                media.send(path, &form("deployed", "file", b"RIFF"))
            }
            _ => {
                media.ask(path, &json!({"model": "deployed", "voice": "alloy", "input": "x", "prompt": "x"}))
            }
        };
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let seen = media.upstream.last();
        let expected = format!("/openai/deployments/mock-deployed{path}?api-version=2024-10-21");
        assert_eq!((seen.target, seen.headers.get("api-key")), (expected, Some("upstream-key")));
    }
}

#[test]
fn on_a_ladder_only_those_paint_that_are_said_to() {
    let media = Media::start();
    let paint =
        |model: &str| media.ask("/v1/images/generations", &json!({"model": model, "prompt": "a dot"}));
    for (asked, id) in [("auto", "mock-image-1"), ("dall-e-9", "mock-image-1"), ("any", "mock-any-1")] {
        assert_eq!(paint(asked).status, 200, "{asked}");
        assert_eq!(media.upstream.last().json()["model"], id, "{asked}");
    }
    let refused = paint("speaker");
    assert_eq!((refused.status, refused.header("x-waymark-route")), (400, "model_cannot"));
    assert!(refused.text().contains("`speaker` does not do image requests"), "{}", refused.text());
    let unknown = media.send("/v1/audio/transcriptions", &form("whisper-9", "file", b"RIFF"));
    assert_eq!((unknown.status, unknown.header("x-waymark-route")), (503, "no_transcription_model"));
    assert!(unknown.text().contains("tasks = [\\\"transcription\\\"]"), "{}", unknown.text());
    let formless = media.ask("/v1/audio/transcriptions", &json!({"model": "whisper-1"}));
    assert_eq!(formless.status, 400);
    assert!(formless.text().contains("send a multipart form"), "{}", formless.text());
    assert_eq!(outcome(&media.why(&formless)), "refused");
}
