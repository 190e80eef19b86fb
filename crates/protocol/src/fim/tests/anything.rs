use bytes::Bytes;
use proptest::prelude::*;
use serde_json::Value;
use waymark_types::Dialect;

use super::{DIALECTS, events, suggestion, watched};
use crate::fim::{Fim, FimPrompt};
use crate::testing::CREATED;
use crate::{Addressed, Answer, parse};

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
        let talk = super::talk(dialect);
        if let Ok(prompt) = talk.read_fim(bytes) {
            for target in DIALECTS {
                let _ = super::talk(target).write_fim(&prompt, "m", &mut Vec::new());
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
