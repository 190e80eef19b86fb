use bytes::Bytes;
use serde_json::Value;
use waymark_types::Dialect;

use super::{read, request, stream, talk};
use crate::neutral::{Block, Loss};
use crate::testing::{CREATED, case, codes};

use super::DIALECTS;

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
