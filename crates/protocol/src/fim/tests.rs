use bytes::Bytes;
use proptest::prelude::*;
use serde_json::Value;
use waymark_types::{Dialect, RecordId, Usage};

use super::*;
use crate::neutral::{Block, Event, Loss, Reply, Stop};
use crate::sse::{Splitter, framing};
use crate::testing::{CREATED, case, cases, codes};
use crate::{Addressed, Answer, ErrorKind, Fault, Progress, Request, parse};

const DIALECTS: [Dialect; 4] =
    [Dialect::OpenAiCompletions, Dialect::MistralFim, Dialect::LlamaInfill, Dialect::OllamaGenerate];

fn talk(dialect: Dialect) -> &'static dyn FimDialogue {
    fim_dialogue(dialect).unwrap()
}

fn read(dialect: Dialect, name: &str) -> FimPrompt {
    talk(dialect).read_fim(&case(dialect, &format!("{name}.request.json"))).unwrap()
}

fn request(dialect: Dialect, name: &str) -> Request {
    let body = Bytes::from(case(dialect, &format!("{name}.request.json")));
    parse(dialect, &body, &Addressed::default()).unwrap()
}

fn events(dialect: Dialect, pieces: &[&[u8]]) -> Vec<Event> {
    let (framing, mut reader) = (framing(dialect), talk(dialect).event_reader());
    let (mut splitter, mut events) = (Splitter::new(framing), Vec::new());
    for piece in pieces {
        splitter.push(piece);
        while let Some(event) = splitter.next_event().unwrap() {
            events.extend(reader.read(&framing.read(&event)));
        }
    }
    events.extend(reader.finish());
    events
}

fn stream(dialect: Dialect, name: &str) -> Vec<Event> {
    events(dialect, &[&case(dialect, &format!("{name}.stream.txt"))])
}

fn said(events: &[Event]) -> String {
    let text = |event: &Event| match event {
        Event::TextDelta { text, .. } => Some(text.clone()),
        _ => None,
    };
    events.iter().filter_map(text).collect()
}

/// What a looker-on learns from a stream, and whether it was seen to end.
fn watched(dialect: Dialect, stream: &[u8]) -> (Answer, Progress) {
    let (framing, mut answer) = (framing(dialect), Answer::default());
    let (mut splitter, mut progress) = (Splitter::new(framing), Progress::Ongoing);
    splitter.push(stream);
    while let Some(event) = splitter.next_event().unwrap() {
        progress = answer.read_event(dialect, &framing.read(&event));
    }
    (answer, progress)
}

const PREFIX: &str =
    "use std::io;\n\nfn main() -> io::Result<()> {\n    let mut line = String::new();\n    io::stdin().";
const SUFFIX: &str = "?;\n    println!(\"{line}\");\n    Ok(())\n}\n";

#[test]
fn every_dialect_says_what_is_around_the_cursor() {
    for dialect in DIALECTS {
        let prompt = read(dialect, "text");
        assert_eq!((prompt.fim.prefix.as_str(), prompt.fim.suffix.as_str()), (PREFIX, SUFFIX), "{dialect}");
        assert_eq!(
            (prompt.fim.max_tokens, prompt.stream, prompt.warm_up),
            (Some(64), true, false),
            "{dialect}"
        );
        let routed = request(dialect, "text");
        assert_eq!(routed.fim, Some(prompt.fim), "{dialect}");
        assert!(routed.stream && !routed.warm_up, "{dialect}");

        let prompt = read(dialect, "sampling");
        assert_eq!((prompt.sampling.temperature, prompt.sampling.top_p), (Some(0.2), Some(0.9)), "{dialect}");
        assert_eq!(
            (prompt.sampling.seed, prompt.sampling.stop),
            (Some(7), vec!["\n".to_owned()]),
            "{dialect}"
        );
        assert_eq!((prompt.fim.max_tokens, prompt.stream), (Some(32), false), "{dialect}");

        let prompt = read(dialect, "unicode");
        assert!(prompt.fim.prefix.starts_with("# größte Zahl – 最大値 🦀\n"), "{dialect}");
        assert!(prompt.fim.suffix.contains("→ 2 \u{2028}\n"), "{dialect}");
    }
}

#[test]
fn openai_prompts_come_in_many_forms() {
    let of = |name| read(Dialect::OpenAiCompletions, name);
    let marked = of("markers");
    assert_eq!((marked.fim.prefix.as_str(), marked.fim.suffix.as_str()), (PREFIX, SUFFIX));
    assert_eq!((marked.sampling.stop.len(), marked.losses.len()), (0, 0));
    let repository = of("repository_markers");
    assert_eq!((repository.fim.suffix.as_str(), codes(&repository.losses)), (SUFFIX, vec!["prompt_context"]));
    let sampling = of("sampling");
    assert_eq!(sampling.form.echo.as_deref(), Some(sampling.fim.prefix.as_str()));
    assert_eq!(codes(&sampling.losses), ["n", "best_of", "logit_bias", "logprobs", "min_p"]);
    let unlimited = of("unlimited");
    assert_eq!((unlimited.fim.max_tokens, unlimited.losses.len(), unlimited.form.echo), (Some(16), 0, None));
    for name in ["tokens", "several"] {
        assert!(of(name).sayable_in(Dialect::MistralFim).is_err());
        assert_eq!(request(Dialect::OpenAiCompletions, name).fim, None);
    }
    let unicode = of("unicode");
    assert!(unicode.fim.suffix.ends_with(" \u{fffd}"));
    assert_eq!(
        (codes(&unicode.losses), unicode.fim.path.as_deref()),
        (vec!["lone_surrogate"], Some("src/größte.py"))
    );
    // What passes through stays as it came.
    let raw = case(Dialect::OpenAiCompletions, "unicode.request.json");
    let body = request(Dialect::OpenAiCompletions, "unicode").body_for("codestral-2508");
    assert_eq!(body, String::from_utf8(raw).unwrap().replace("\"codestral\"", "\"codestral-2508\""));
}

#[test]
fn infill_requests_need_no_model_and_may_only_warm_up() {
    let of = |name| read(Dialect::LlamaInfill, name);
    let text = of("text");
    assert_eq!((text.extra.len(), text.extra[0].filename.as_str()), (2, "src/file.rs"));
    assert_eq!(codes(&text.losses), ["samplers", "n_indent", "t_max_predict_ms"]);
    let raw = case(Dialect::LlamaInfill, "text.request.json");
    let routed = request(Dialect::LlamaInfill, "text");
    assert_eq!((routed.model.as_str(), routed.body_for("other")), ("auto", Bytes::from(raw)));
    let named = request(Dialect::LlamaInfill, "vim");
    assert_eq!(named.model, "auto");
    assert!(String::from_utf8_lossy(&named.body_for("qwen")).contains("\"model\": \"qwen\""));

    let warm_up = of("warm_up");
    assert!(warm_up.warm_up && request(Dialect::LlamaInfill, "warm_up").warm_up);
    assert_eq!(talk(Dialect::LlamaInfill).write_warm_up(&warm_up, "auto", CREATED), b"{}");
    assert_eq!(of("unlimited").fim.max_tokens, None);
    assert_eq!(of("unlimited").sampling.seed, None);
    for name in ["grammar", "tokens"] {
        assert!(of(name).sayable_in(Dialect::MistralFim).is_err(), "{name}");
        assert_eq!(request(Dialect::LlamaInfill, name).fim, None);
    }
}

#[test]
fn ollama_prompts_are_code_or_instructions() {
    let of = |name| read(Dialect::OllamaGenerate, name);
    let marked = of("markers");
    assert_eq!((marked.fim.prefix.as_str(), marked.fim.suffix.as_str()), (PREFIX, SUFFIX));
    assert_eq!((marked.sampling.stop.len(), marked.stream), (0, false));
    assert_eq!(codes(&of("text").losses), ["keep_alive"]);
    assert_eq!(codes(&of("sampling").losses), ["option:num_ctx", "option:min_p", "system"]);
    assert_eq!((of("unlimited").unsayable.len(), of("unlimited").fim.max_tokens), (0, None));
    for (name, reason) in [("load", "load"), ("unload", "unload")] {
        let prompt = of(name);
        assert!(prompt.warm_up && request(Dialect::OllamaGenerate, name).warm_up, "{name}");
        let answer = talk(Dialect::OllamaGenerate).write_warm_up(&prompt, "m", CREATED);
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!((&answer["done_reason"], &answer["response"]), (&reason.into(), &"".into()));
    }
    let routed = request(Dialect::OllamaGenerate, "instruction");
    assert_eq!((routed.fim, routed.messages, routed.warm_up), (None, 1, false));
    assert!(of("instruction").sayable_in(Dialect::OpenAiCompletions).is_err());
}

#[test]
fn instructions_are_conversations() {
    let talk = crate::instruction_dialogue(Dialect::OllamaGenerate).unwrap();
    assert!(crate::instruction_dialogue(Dialect::MistralFim).is_none());
    let body = case(Dialect::OllamaGenerate, "instruction.request.json");
    let prompt = talk.read_prompt(&body).unwrap();
    assert_eq!(prompt.system, [Block::text("Answer in one word.")]);
    assert_eq!((prompt.turns.len(), prompt.turns[0].blocks.len(), prompt.max_output), (1, 2, Some(16)));
    assert!(prompt.output.is_some() && prompt.stream);
    let mut losses = Vec::new();
    let written = talk.write_prompt(&prompt, "llama3.2", &mut losses).unwrap();
    assert_eq!(talk.read_prompt(&written).unwrap(), prompt);
    assert_eq!(losses, []);
    let code = talk.read_prompt(&case(Dialect::OllamaGenerate, "text.request.json")).unwrap();
    assert!(code.sayable_in(Dialect::OpenAiChat).is_err());

    let reply = talk.read_reply(&case(Dialect::OllamaGenerate, "reasoning.reply.json")).unwrap();
    assert_eq!(reply.blocks.len(), 2);
    let again = talk.read_reply(&talk.write_reply(&reply, "m", CREATED)).unwrap();
    assert_eq!(again, reply);
    let mut writer = talk.event_writer(&prompt, "m", CREATED);
    let mut reader = talk.event_reader();
    let (mut written, mut read) = (Vec::new(), Vec::new());
    let events = stream(Dialect::OllamaGenerate, "text");
    for event in &events {
        written.extend(writer.write(event));
    }
    for line in written.split_inclusive(|&byte| byte == b'\n') {
        assert!(String::from_utf8_lossy(line).contains("\"response\""));
        read.extend(reader.read(&crate::sse::read_line(line)));
    }
    assert_eq!(read, events);
}

#[test]
fn own_words_come_back() {
    for dialect in DIALECTS {
        for name in cases(dialect, ".request.json") {
            let prompt = talk(dialect).read_fim(&case(dialect, &name)).unwrap();
            if prompt.sayable_in(dialect).is_err() {
                continue;
            }
            let mut losses = Vec::new();
            let written = talk(dialect).write_fim(&prompt, "m", &mut losses).unwrap();
            let mut again = talk(dialect).read_fim(&written).unwrap();
            // What only the answer's writer needs, or was lost before, no request says.
            (again.losses, again.form) = (prompt.losses.clone(), prompt.form.clone());
            again.fim.path = prompt.fim.path.clone();
            again.sampling.top_k = again.sampling.top_k.or(prompt.sampling.top_k);
            assert_eq!(again, prompt, "{dialect} {name}: {losses:?}");
        }
        for name in cases(dialect, ".reply.json") {
            let mut reply = talk(dialect).read_reply(&case(dialect, &name)).unwrap();
            let written = talk(dialect).write_reply(&FimPrompt::default(), &reply, "m", CREATED);
            let again = talk(dialect).read_reply(&written).unwrap();
            reply.model = reply.model.or(Some("m".to_owned()));
            // What an editor did not ask for is not known, and is written as the end of an answer all the same.
            reply.stop = reply.stop.or(Some(Stop::End));
            reply.usage.input = reply.usage.input.or(again.usage.input);
            reply.usage.cached_input = reply.usage.cached_input.or(again.usage.cached_input);
            assert_eq!(again, reply, "{dialect} {name}");
        }
        for name in cases(dialect, ".stream.txt") {
            let events = events(dialect, &[&case(dialect, &name)]);
            let prompt = FimPrompt {
                stream: true,
                form: ReplyForm { stream_usage: true, ..ReplyForm::default() },
                ..FimPrompt::default()
            };
            let mut writer = talk(dialect).event_writer(&prompt, "m", CREATED);
            let written: Vec<u8> = events.iter().flat_map(|event| writer.write(event)).collect();
            let again = self::events(dialect, &[&written]);
            assert_eq!(said(&again), said(&events), "{dialect} {name}");
            let ends = |events: &[Event]| {
                let is_end =
                    |event: &&Event| matches!(event, Event::Stop { .. } | Event::End | Event::Error { .. });
                events.iter().filter(is_end).map(std::mem::discriminant).collect::<Vec<_>>()
            };
            assert_eq!(ends(&again), ends(&events), "{dialect} {name}");
        }
    }
}

#[test]
fn answers_are_read_alike() {
    for dialect in DIALECTS {
        let reply = talk(dialect).read_reply(&case(dialect, "text.reply.json")).unwrap();
        assert_eq!(
            (reply.blocks.as_slice(), reply.stop.as_ref()),
            (&[Block::text("read_line(&mut line)")][..], Some(&Stop::End))
        );
        assert_eq!((reply.usage.input, reply.usage.output), (Some(42), Some(6)), "{dialect}");
        let cut = talk(dialect).read_reply(&case(dialect, "max_tokens.reply.json")).unwrap();
        assert_eq!(
            (cut.blocks, cut.stop),
            (vec![Block::text("read_line(")], Some(Stop::MaxTokens)),
            "{dialect}"
        );

        let mut answer = Answer::default();
        answer.read_body(dialect, &case(dialect, "text.reply.json"));
        assert_eq!(answer.served_model, reply.model, "{dialect}");
        assert_eq!((answer.usage, answer.error), (reply.usage, None), "{dialect}");
    }
    let word = talk(Dialect::LlamaInfill).read_reply(&case(Dialect::LlamaInfill, "word.reply.json")).unwrap();
    assert_eq!(word.stop, Some(Stop::Sequence(Some("\n\n".to_owned()))));
    let mut answer = Answer::default();
    answer.read_body(Dialect::LlamaInfill, &case(Dialect::LlamaInfill, "several.reply.json"));
    assert_eq!((answer.usage.input, answer.usage.output), (Some(42), Some(9)));
    let mut answer = Answer::default();
    answer.read_body(Dialect::LlamaInfill, &case(Dialect::LlamaInfill, "fields.reply.json"));
    assert_eq!((answer.usage.input, answer.usage.output, answer.served_model), (None, Some(6), None));
}

#[test]
fn streams_are_read_alike_wherever_they_are_cut() {
    for dialect in DIALECTS {
        let events = stream(dialect, "text");
        assert_eq!(said(&events), "read_line(&mut größe)", "{dialect}");
        let Some(Event::Start { model, .. }) = events.first() else { panic!("{dialect}") };
        // llama.cpp names its model at the very end.
        assert_eq!(model.is_some(), dialect != Dialect::LlamaInfill, "{dialect}");
        let usage = Usage { input: Some(42), output: Some(6), ..Usage::default() };
        let [.., Event::Usage { usage: counted }, Event::Stop { stop: Stop::End }, Event::End] = &events[..]
        else {
            panic!("{dialect}: {events:?}");
        };
        assert_eq!((counted.input, counted.output), (usage.input, usage.output), "{dialect}");
        let (answer, progress) = watched(dialect, &case(dialect, "text.stream.txt"));
        assert_eq!((progress, answer.usage.output), (Progress::Last, Some(6)), "{dialect}");

        let broken = stream(dialect, "error_mid_stream");
        assert!(matches!(broken.last(), Some(Event::Error { .. })), "{dialect}");
        let (answer, progress) = watched(dialect, &case(dialect, "error_mid_stream.stream.txt"));
        assert!(progress == Progress::Failed && answer.error.is_some(), "{dialect}");
        let short = stream(dialect, "cut_short");
        assert!(!short.iter().any(|event| matches!(event, Event::End | Event::Error { .. })), "{dialect}");

        for name in cases(dialect, ".stream.txt") {
            let bytes = case(dialect, &name);
            let whole = self::events(dialect, &[&bytes]);
            for at in 0..=bytes.len() {
                let (left, right) = bytes.split_at(at);
                assert_eq!(self::events(dialect, &[left, right]), whole, "{dialect} {name} cut at {at}");
            }
            let letters: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(self::events(dialect, &letters), whole, "{dialect} {name}");
        }
    }
    assert!(matches!(stream(Dialect::OpenAiCompletions, "silent_end").last(), Some(Event::End)));
}

fn suggestion(text: Option<&str>) -> Suggestion<Value> {
    let created = Timestamp::from_micros(CREATED * 1_000_000);
    let citation = json!({"path": "src/file.rs", "lines": [3, 7]});
    Suggestion {
        record: RecordId::new(created, [7; 10]),
        created,
        model: "waymark-flash-1".to_owned(),
        text: text.map(str::to_owned),
        confidence: 0.93,
        citations: [citation],
        usage: Usage { input: Some(12), output: Some(3), ..Usage::default() },
    }
    .into_json()
}

#[test]
fn the_embedded_model_answers_in_every_dialect() {
    for dialect in DIALECTS {
        for text in [Some("read_line(&mut line)"), None] {
            let mut prompt = read(dialect, "text");
            let streamed = talk(dialect).write_suggestion(&prompt, &suggestion(text));
            let events = events(dialect, &[&streamed]);
            assert_eq!(said(&events), text.unwrap_or_default(), "{dialect}");
            assert!(matches!(events[..], [.., Event::Stop { stop: Stop::End }, Event::End]), "{dialect}");
            let written = String::from_utf8(streamed.clone()).unwrap();
            assert!(written.contains(&format!("\"declined\":{}", text.is_none())), "{dialect}");
            let (answer, progress) = watched(dialect, &streamed);
            assert_eq!((answer.served_model.as_deref(), progress), (Some("waymark-flash-1"), Progress::Last));

            prompt.stream = false;
            let body = talk(dialect).write_suggestion(&prompt, &suggestion(text));
            let reply = talk(dialect).read_reply(&body).unwrap();
            assert_eq!((text_of(&reply), reply.stop), (text.unwrap_or_default().to_owned(), Some(Stop::End)));
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["waymark"]["citations"][0]["path"], "src/file.rs", "{dialect}");
        }
    }
    // The first form of an answer stays what it was.
    let prompt = FimPrompt::default();
    let body = talk(Dialect::OpenAiCompletions).write_suggestion(&prompt, &suggestion(Some("x")));
    assert_eq!(body, completion_body(&suggestion(Some("x"))));
}

fn text_of(reply: &Reply) -> String {
    reply
        .blocks
        .iter()
        .map(|block| if let Block::Text { text, .. } = block { text.as_str() } else { "" })
        .collect()
}

#[test]
fn an_editor_gets_only_the_fields_it_asked_for() {
    let prompt = read(Dialect::LlamaInfill, "vim");
    let body = talk(Dialect::LlamaInfill).write_suggestion(&prompt, &suggestion(Some("read")));
    let body: Value = serde_json::from_slice(&body).unwrap();
    let fields: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    let wanted =
        ["content", "timings/predicted_n", "timings/prompt_n", "tokens_cached", "truncated", "waymark"];
    assert_eq!(fields, wanted);
    // Without a choice of fields there is what another editor looks into unasked.
    let whole = talk(Dialect::LlamaInfill).write_suggestion(&FimPrompt::default(), &suggestion(None));
    let whole: Value = serde_json::from_slice(&whole).unwrap();
    assert!(whole["generation_settings"].is_object());
}

#[test]
fn an_echo_comes_first_and_once() {
    let mut prompt = read(Dialect::OpenAiCompletions, "sampling");
    let echo = prompt.form.echo.clone().unwrap();
    let reply = talk(Dialect::MistralFim).read_reply(&case(Dialect::MistralFim, "text.reply.json")).unwrap();
    let body = talk(Dialect::OpenAiCompletions).write_reply(&prompt, &reply, "m", CREATED);
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["choices"][0]["text"], format!("{echo}read_line(&mut line)"));
    prompt.stream = true;
    for (name, text) in [("text", "read_line(&mut größe)"), ("empty", "")] {
        let events = if text.is_empty() { vec![Event::End] } else { stream(Dialect::MistralFim, name) };
        let mut writer = talk(Dialect::OpenAiCompletions).event_writer(&prompt, "m", CREATED);
        let written: Vec<u8> = events.iter().flat_map(|event| writer.write(event)).collect();
        assert_eq!(said(&self::events(Dialect::OpenAiCompletions, &[&written])), format!("{echo}{text}"));
    }
}

#[test]
fn errors_have_each_dialects_shape() {
    let fault =
        Fault { kind: ErrorKind::Unavailable, code: "no_completion_model", message: "no model".to_owned() };
    for (dialect, place) in [
        (Dialect::OpenAiCompletions, "/error/message"),
        (Dialect::MistralFim, "/message"),
        (Dialect::LlamaInfill, "/error/message"),
        (Dialect::OllamaGenerate, "/error"),
    ] {
        let body = crate::error_body(dialect, &fault);
        let value: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(value.pointer(place), Some(&"no model".into()), "{dialect}");
        assert_eq!(talk(dialect).read_error(&body).1, "no model", "{dialect}");
        assert!(talk(dialect).read_reply(&body).is_err(), "{dialect}");
        let mut answer = Answer::default();
        answer.read_body(dialect, &body);
        assert_eq!(answer.error.as_deref(), Some("no model"), "{dialect}");
        let event = crate::error_event(dialect, &fault);
        assert!(
            matches!(&events(dialect, &[&event])[..], [Event::Error { message, .. }] if message == "no model")
        );
        assert_eq!(watched(dialect, &event).1, Progress::Failed, "{dialect}");
        assert_eq!(
            talk(dialect).read_error(b"<html>bad gateway</html>"),
            (None, "<html>bad gateway</html>".to_owned())
        );
    }
    let llama: Value = serde_json::from_slice(&crate::error_body(Dialect::LlamaInfill, &fault)).unwrap();
    assert_eq!(
        (&llama["error"]["code"], &llama["error"]["type"]),
        (&503.into(), &"unavailable_error".into())
    );
    let details =
        br#"{"detail":[{"type":"missing","loc":["body","prompt"],"msg":"Field required","input":{}}]}"#;
    assert_eq!(talk(Dialect::MistralFim).read_error(details).1, "`prompt`: Field required");
    let bare = br#"{"message":"Unauthorized","request_id":"1"}"#;
    assert_eq!(talk(Dialect::MistralFim).read_error(bare).1, "Unauthorized");
}

#[test]
fn what_a_target_cannot_say_is_named() {
    let codes_of = |source, name, target| {
        let prompt = read(source, name);
        let mut losses: Vec<Loss> = Vec::new();
        talk(target).write_fim(&prompt, "m", &mut losses).unwrap();
        losses.into_iter().map(|loss| loss.code).collect::<Vec<_>>()
    };
    let (openai, mistral) = (Dialect::OpenAiCompletions, Dialect::MistralFim);
    let (llama, ollama) = (Dialect::LlamaInfill, Dialect::OllamaGenerate);
    assert_eq!(codes_of(llama, "text", openai), ["input_extra", "top_k"]);
    assert_eq!(codes_of(llama, "unlimited", openai), ["no_limit"]);
    assert_eq!(
        codes_of(openai, "sampling", mistral),
        ["top_k", "frequency_penalty", "presence_penalty", "user"]
    );
    assert_eq!(codes_of(openai, "sampling", llama), ["user"]);
    assert_eq!(codes_of(openai, "sampling", ollama), ["user"]);
    assert_eq!(codes_of(llama, "text", ollama), ["input_extra"]);
    assert_eq!(codes_of(ollama, "markers", openai), Vec::<String>::new());
}

proptest! {
    /// No bytes whatsoever make a reader fail in another way than with an error.
    #[test]
    fn any_bytes_can_be_read(bytes: Vec<u8>) {
        read_anything(&bytes);
    }

    /// Nor do known words with values of any kind.
    #[test]
    fn any_json_can_be_read(fields in prop::collection::btree_map(WORDS, value(), 0..8)) {
        read_anything(&serde_json::to_vec(&fields).unwrap());
    }

    /// A prompt whose parts are put together in any way is read, and what is cut from it was in it.
    #[test]
    fn any_prompt_is_cut(parts in prop::collection::vec(prop::sample::select(PARTS), 0..8)) {
        let prompt = parts.concat();
        let fim = Fim::new(prompt.clone(), String::new(), None, None);
        prop_assert!(prompt.contains(&fim.prefix) && prompt.contains(&fim.suffix));
    }
}

const PARTS: &[&str] = &[
    "<|fim_prefix|>",
    "<|fim_suffix|>",
    "<|fim_middle|>",
    "<PRE>",
    " ",
    "<SUF>",
    "<MID>",
    "[SUFFIX]",
    "[PREFIX]",
    "<｜fim▁begin｜>",
    "<｜fim▁hole｜>",
    "<｜fim▁end｜>",
    "a",
    "\n",
    "ß",
];

const WORDS: &str = "model|prompt|suffix|stop|options|input_prefix|input_suffix|input_extra|n_predict|max_tokens|echo|n|\
    stream|stream_options|response_fields|keep_alive|context|raw|choices|error|detail|message|object|content|timings|\
    response|done|usage|stop_type|input|messages|system|images|think|thinking";

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        prop::sample::select(
            &["error", "stop", "0", "limit", "<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>"][..]
        )
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(WORDS, inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

fn read_anything(bytes: &[u8]) {
    for dialect in DIALECTS {
        let talk = talk(dialect);
        if let Ok(prompt) = talk.read_fim(bytes) {
            for target in DIALECTS {
                let _ = self::talk(target).write_fim(&prompt, "m", &mut Vec::new());
            }
            talk.write_suggestion(&prompt, &suggestion(Some("x")));
        }
        let _ =
            talk.read_reply(bytes).map(|reply| talk.write_reply(&FimPrompt::default(), &reply, "m", CREATED));
        talk.read_error(bytes);
        let framed = [b"data: ", bytes, b"\n\n"].concat();
        events(dialect, &[&framed]);
        watched(dialect, &framed);
        let _ = parse(dialect, &Bytes::copy_from_slice(bytes), &Addressed::default());
        Answer::default().read_body(dialect, bytes);
    }
    for dialect in [Dialect::OpenAiEmbeddings, Dialect::OllamaEmbed] {
        let _ = parse(dialect, &Bytes::copy_from_slice(bytes), &Addressed::default());
        Answer::default().read_body(dialect, bytes);
    }
    if let Some(talk) = crate::instruction_dialogue(Dialect::OllamaGenerate) {
        let _ = talk.read_prompt(bytes).map(|prompt| talk.write_prompt(&prompt, "m", &mut Vec::new()));
        let _ = talk.read_reply(bytes);
        talk.event_reader().read(&crate::sse::read_line(bytes));
    }
    let _ = crate::ollama_models::show_request(bytes);
}
