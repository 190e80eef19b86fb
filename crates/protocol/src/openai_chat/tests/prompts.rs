//! Requests.

use serde_json::json;

use super::*;
use crate::neutral::{Effort, Media, OutputFormat, Reasoning, ToolChoice, ToolKind};

#[test]
fn a_conversation_is_read() {
    let text = prompt("text");
    assert_eq!(
        text.turns.iter().map(|turn| turn.role).collect::<Vec<_>>(),
        [Role::User, Role::Assistant, Role::User]
    );
    assert_eq!((text.max_output, text.stream, text.stream_usage), (Some(1024), true, true));
    assert_eq!(text.losses, []);

    let system = prompt("system");
    assert_eq!(system.system.len(), 3);
    assert_eq!(system.turns[2], turn(Role::System, vec![Block::text("The user has opened src/lib.rs.")]));
}

#[test]
fn pictures_files_and_sound_are_read() {
    let image = prompt("image");
    let Block::Image { media: Media::Inline { media_type, data }, detail, .. } = &image.turns[0].blocks[1]
    else {
        panic!("{image:?}")
    };
    assert_eq!((media_type.as_str(), detail.as_deref()), ("image/png", Some("high")));
    assert!(data.starts_with("iVBOR"));
    assert!(
        matches!(&image.turns[0].blocks[3], Block::Image { media: Media::Url { url }, .. } if url.starts_with("https"))
    );

    let document = prompt("document");
    assert!(
        matches!(&document.turns[0].blocks[0], Block::Document { media: Media::Inline { media_type, .. }, name: Some(name), .. }
        if media_type == "application/pdf" && name == "specification.pdf")
    );

    let audio = prompt("audio");
    assert!(
        matches!(&audio.turns[0].blocks[1], Block::Audio { media: Media::Inline { media_type, .. } } if media_type == "audio/wav")
    );
}

#[test]
fn tools_and_choices_are_read() {
    let tools = prompt("tools");
    assert_eq!(
        tools.tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(),
        ["read_file", "run_command", "current_time"]
    );
    assert_eq!((tools.tools[0].strict, tools.tools[1].strict), (Some(true), None));
    assert_eq!(tools.tools[2].parameters, json!({"type": "object", "properties": {}}));
    assert_eq!((tools.tool_choice, tools.parallel_tools), (Some(ToolChoice::Auto), Some(true)));
    assert_eq!(prompt("tools_required").tool_choice, Some(ToolChoice::Required));
    assert_eq!(prompt("tools_none").tool_choice, Some(ToolChoice::None));
    assert_eq!(prompt("tools_named").tool_choice, Some(ToolChoice::Named("run_command".into())));

    let allowed = prompt("tools_allowed");
    assert_eq!(
        allowed.tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(),
        ["run_command", "current_time"]
    );
    assert_eq!(
        (allowed.tool_choice, codes(&allowed.losses)),
        (Some(ToolChoice::Required), vec!["allowed_tools"])
    );
}

#[test]
fn calls_and_results_are_read() {
    let parallel = prompt("parallel_tools");
    let [Block::Text { text, .. }, first, second] = parallel.turns[1].blocks.as_slice() else {
        panic!("{parallel:?}")
    };
    assert_eq!(text, "I will do both at once.");
    assert_eq!(
        *first,
        call("call_a1B2c3D4e5F6g7H8i9J0k1L2", "run_command", r#"{"command": "cargo test --workspace"}"#)
    );
    assert!(matches!(second, Block::ToolCall { name, .. } if name == "read_file"));
    assert!(
        matches!(&parallel.turns[3].blocks[..], [Block::ToolResult { name: Some(name), is_error: false, .. }] if name == "read_file")
    );

    let custom = prompt("custom_tool");
    assert!(matches!(&custom.tool_forms["apply_patch"].kind, ToolKind::Freeform { format: Some(_) }));
    assert_eq!(custom.tool_choice, Some(ToolChoice::Named("apply_patch".into())));
    assert!(
        matches!(&custom.turns[1].blocks[0], Block::ToolCall { arguments, .. } if arguments.starts_with(r#"{"input":"*** Begin"#))
    );
    assert_eq!(codes(&custom.losses), ["server_tool:web_search_preview"]);

    let legacy = prompt("legacy_functions");
    assert_eq!(legacy.turns[1].blocks, [call("call_1", "weather", r#"{"city":"Oslo"}"#)]);
    assert_eq!(
        legacy.turns[2].blocks,
        [result("call_1", Some("weather"), vec![Block::text("{\"celsius\": -3}")], false)]
    );
    assert_eq!(legacy.tool_choice, Some(ToolChoice::Named("weather".into())));
    assert_eq!(codes(&legacy.losses), ["message_name", "functions"]);
}

#[test]
fn forms_reasoning_and_sampling_are_read() {
    let schema = prompt("schema").output;
    assert!(
        matches!(schema, Some(OutputFormat::JsonSchema { name: Some(name), strict: Some(true), .. }) if name == "finding")
    );
    assert_eq!(prompt("json_object").output, Some(OutputFormat::JsonObject));

    let reasoning = prompt("reasoning");
    assert_eq!(reasoning.reasoning, Some(Reasoning { effort: Some(Effort::High), ..Reasoning::default() }));
    assert!(
        matches!(&reasoning.turns[1].blocks[0], Block::Thinking { text, signature: None, .. } if text.starts_with("The call graph"))
    );
    assert!(
        matches!(&reasoning.turns[3].blocks[0], Block::Thinking { text, .. } if text.starts_with("`open` takes"))
    );
    assert_eq!(prompt("reasoning_off").reasoning, Some(Reasoning { off: true, ..Reasoning::default() }));

    let signed = prompt("reasoning_signed");
    assert_eq!(
        signed.reasoning,
        Some(Reasoning { effort: Some(Effort::Low), visible: true, ..Reasoning::default() })
    );
    let [
        Block::Thinking { text, signature: Some(_), .. },
        Block::RedactedThinking { .. },
        Block::Text { .. },
        Block::ToolCall { signature, .. },
    ] = signed.turns[1].blocks.as_slice()
    else {
        panic!("{signed:?}")
    };
    assert_eq!(
        (text.as_str(), signature.as_deref()),
        ("First the constructor.", Some("CpcCAdHtim9sSignature"))
    );

    let sampling = prompt("sampling");
    assert_eq!(
        (sampling.sampling.top_k, sampling.sampling.seed, sampling.max_output),
        (Some(40), Some(7), Some(64))
    );
    assert_eq!(sampling.sampling.stop, ["\n\n", "END"]);
    assert_eq!(sampling.user.as_deref(), Some("dev-42"));
    let lost =
        ["logit_bias", "logprobs", "metadata", "field:min_p", "service_tier", "top_logprobs", "verbosity"];
    assert_eq!(codes(&sampling.losses), lost);
}

#[test]
fn cache_marks_of_both_spellings_are_read() {
    let cache = prompt("cache");
    assert!(matches!(&cache.system[0], Block::Text { cache: Some(mark), .. } if mark.ttl.is_none()));
    assert!(
        matches!(&cache.turns[0].blocks[0], Block::Text { cache: Some(mark), .. } if mark.ttl.as_deref() == Some("1h"))
    );
    assert_eq!(codes(&cache.losses), ["prompt_cache_key", "prompt_cache_options"]);
}

#[test]
fn several_and_spoken_answers_are_refused() {
    for name in ["several_answers", "spoken_answer"] {
        let prompt = prompt(name);
        assert!(prompt.sayable_in(Dialect::Gemini).is_err(), "{name}");
        assert!(OpenAiChat.write_prompt(&prompt, "m", &mut Vec::new()).is_err(), "{name}");
    }
}

/// The prompt without what this dialect is known not to write.
fn sayable(mut prompt: Prompt) -> Prompt {
    prompt.losses.clear();
    prompt.tool_forms.clear();
    prompt.stream_usage = prompt.stream;
    prompt.sampling.top_k = None;
    if let Some(reasoning) = &mut prompt.reasoning {
        reasoning.visible = false;
    }
    for block in prompt.system.iter_mut().chain(prompt.turns.iter_mut().flat_map(|turn| &mut turn.blocks)) {
        match block {
            Block::Text { cache, .. } => *cache = None,
            Block::ToolCall { signature, .. } => *signature = None,
            _ => {}
        }
    }
    prompt
}

#[test]
fn requests_come_back_as_they_went() {
    for name in cases(".request.json") {
        let prompt = OpenAiChat.read_prompt(&case(&name)).unwrap();
        if !prompt.unsayable.is_empty() {
            continue;
        }
        let (body, _) = written(&prompt);
        let again = OpenAiChat.read_prompt(body.to_string().as_bytes()).unwrap();
        assert_eq!(again, sayable(prompt), "{name}");
    }
}

#[test]
fn what_cannot_be_said_is_named() {
    let image = Block::Image {
        media: Media::Inline { media_type: "image/png".into(), data: "AAAA".into() },
        detail: None,
        cache: None,
    };
    let thought = |signature: Option<&str>| Block::Thinking {
        text: "hm".into(),
        signature: signature.map(str::to_owned),
        id: None,
    };
    let turns = vec![
        turn(Role::User, vec![Block::text("go")]),
        turn(
            Role::Assistant,
            vec![thought(Some("s")), call("a", "t", ""), call("b", "t", "{}"), Block::text("so")],
        ),
        turn(
            Role::User,
            vec![result("a", None, vec![image], false), result("b", None, vec![], true), Block::text("next")],
        ),
        turn(Role::Assistant, vec![thought(Some("s"))]),
    ];
    let prompt = Prompt {
        turns,
        reasoning: Some(Reasoning { budget: Some(4096), ..Reasoning::default() }),
        tool_choice: Some(ToolChoice::Required),
        ..Prompt::default()
    };
    let (body, losses) = written(&prompt);
    let expected = json!([
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": "so", "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "t", "arguments": "{}"}},
            {"id": "b", "type": "function", "function": {"name": "t", "arguments": "{}"}},
        ]},
        {"role": "tool", "tool_call_id": "a", "content": "the result follows in the next message"},
        {"role": "tool", "tool_call_id": "b", "content": "the call failed"},
        {"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            {"type": "text", "text": "next"},
        ]},
    ]);
    assert_eq!(body["messages"], expected);
    assert_eq!(body["reasoning_effort"], "medium");
    let lost = [
        "block_order",
        "signed_thinking",
        "tool_result_media",
        "tool_result_is_error",
        "tool_choice",
        "reasoning_budget",
    ];
    assert_eq!(losses, lost);

    let notes = Block::Document {
        media: Media::Inline { media_type: "text/plain".into(), data: "U2hpcCBpdC4=".into() },
        name: Some("notes.txt".into()),
        cache: None,
    };
    let prompt = Prompt { turns: vec![turn(Role::User, vec![notes])], ..Prompt::default() };
    let (body, losses) = written(&prompt);
    assert_eq!(body["messages"], json!([{"role": "user", "content": "notes.txt\n\nShip it."}]));
    assert_eq!(losses, ["document_form"]);

    let address = Media::Url { url: "https://example.com/a.pdf".into() };
    for block in [
        Block::Document { media: address, name: None, cache: None },
        Block::Image { media: Media::Uploaded { id: "file_1".into() }, detail: None, cache: None },
        Block::Audio { media: Media::Inline { media_type: "audio/ogg".into(), data: String::new() } },
    ] {
        let prompt = Prompt { turns: vec![turn(Role::User, vec![block])], ..Prompt::default() };
        assert!(OpenAiChat.write_prompt(&prompt, "m", &mut Vec::new()).is_err(), "{prompt:?}");
    }
}
