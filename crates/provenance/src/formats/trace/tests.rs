use proptest::prelude::*;

use super::*;
use crate::formats::attributed::samples::{self, CONTENT};
use crate::formats::lines::Lines;

fn ours() -> Trace {
    samples::commit(|commit| Trace::of(&commit, "waymark/test"))
}

fn faults(trace: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(include_str!("schema.json")).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    validator.iter_errors(trace).map(|fault| fault.to_string()).collect()
}

#[test]
fn our_trace_is_one_by_the_schema() {
    let trace = serde_json::to_value(ours()).unwrap();
    assert_eq!(faults(&trace), [""; 0]);
    for (path, wrong) in [("/version", "1.0"), ("/id", "x"), ("/timestamp", "today"), ("/vcs/type", "cvs")] {
        let mut trace = trace.clone();
        *trace.pointer_mut(path).unwrap() = wrong.into();
        assert_eq!(faults(&trace).len(), if path == "/timestamp" { 2 } else { 1 }, "{path}");
    }
}

#[test]
fn our_trace_of_a_commit() {
    let text = serde_json::to_string_pretty(&ours()).unwrap() + "\n";
    assert_eq!(text, include_str!("ours.json"));
    assert_eq!(Trace::parse(include_bytes!("ours.json")).unwrap(), ours());
}

#[test]
fn lines_lead_to_their_record_and_model() {
    let trace = ours();
    let traced = |line| trace.lookup("src/a.rs", line);
    let large = Traced {
        kind: ContributorKind::Ai,
        model_id: Some("acme/large-2026-01-01"),
        record: Some(samples::id(1)),
    };
    assert_eq!((traced(1), traced(12)), (Some(large.clone()), Some(large.clone())));
    assert_eq!(traced(10), Some(Traced { kind: ContributorKind::Mixed, ..large }));
    assert_eq!(traced(5), Some(Traced { kind: ContributorKind::Human, model_id: None, record: None }));
    assert_eq!(traced(11).unwrap().kind, ContributorKind::Unknown);
    assert_eq!((traced(13), trace.lookup("src/b.rs", 1)), (None, None));
}

#[test]
fn the_digest_is_of_the_range_s_lines() {
    let range = &ours().files[0].conversations[0].ranges[0];
    let digest = lines_sha256(CONTENT, Lines::new(1, 4).unwrap()).unwrap();
    assert_eq!(range.content_hash.as_deref(), Some(&*format!("sha256:{digest}")));
}

#[test]
fn a_trace_is_known_again_by_its_id() {
    assert_eq!(ours().id, ours().id);
    assert_ne!(id("waymark/test", "a"), id("waymark/test", "b"));
    assert_ne!(id("waymark/test", "a"), id("waymark/other", "a"));
}

#[test]
fn a_name_that_is_too_long_is_left_out_whole() {
    assert_eq!(model_id(Some("acme"), "ü").as_deref(), Some("acme/ü"));
    assert_eq!(model_id(None, "large").as_deref(), Some("large"));
    assert!(model_id(Some("acme"), &"ü".repeat(245)).is_some());
    assert_eq!(model_id(Some("acme"), &"ü".repeat(246)), None);
}

#[test]
fn traces_of_others_are_read_in_every_version_there_is() {
    let trace = |version: &str| {
        let json = json!({
            "version": version, "id": "550e8400-e29b-41d4-a716-446655440000", "timestamp": "2026-01-25T10:00:00Z",
            "files": [{"path": "src/app.ts", "extra": 1, "conversations": [
                {"url": "file:///x", "contributor": {"type": "ai", "model_id": "openai/gpt-5"}, "ranges": [
                    {"start_line": 1, "end_line": 9},
                    {"start_line": 4, "end_line": 5, "contributor": {"type": "human"}},
                    {"start_line": 8, "end_line": 7},
                ]},
                {"ranges": [{"start_line": 20, "end_line": 9007199254740991_u64}]},
            ]}],
        });
        Trace::parse(json.to_string().as_bytes())
    };
    for version in ["0.1", "0.1.0", "1.0", "1.2.3"] {
        let trace = trace(version).unwrap();
        let kind = |line| trace.lookup("src/app.ts", line).map(|traced| traced.kind);
        assert_eq!(kind(3), Some(ContributorKind::Ai));
        assert_eq!(trace.lookup("src/app.ts", 3).unwrap().model_id, Some("openai/gpt-5"));
        assert_eq!(kind(4), Some(ContributorKind::Human));
        assert_eq!(kind(8), Some(ContributorKind::Ai));
        assert_eq!((kind(10), kind(u32::MAX)), (None, Some(ContributorKind::Unknown)));
    }
    for version in ["", "1", "2.0", "0.1.0.0", "0.1.x", "0..1"] {
        assert!(matches!(trace(version), Err(TraceError::Version(_))), "{version}");
    }
}

#[test]
fn what_is_no_trace_is_refused() {
    for wrong in ["", "[]", "{}", r#"{"version":"0.1.0","id":"","timestamp":"","files":[{"path":1}]}"#] {
        assert!(matches!(Trace::parse(wrong.as_bytes()), Err(TraceError::Json(_))), "{wrong}");
    }
    assert!(matches!(Trace::parse(&vec![b' '; MAX_TRACE + 1]), Err(TraceError::TooLarge(_))));
}

proptest! {
    #[test]
    fn no_bytes_are_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Trace::parse(&bytes);
    }

    #[test]
    fn every_line_is_told_as_it_is_known(known in prop::collection::vec((0_usize..5, 0_u8..3), 12)) {
        let span = |(at, &(class, record)): (usize, &(usize, u8))| {
            let lines = Lines::new(at as u32 + 1, at as u32 + 1).unwrap();
            let record = Some(samples::id(record));
            Some(Span { lines, class: *Class::ALL.get(class)?, record, evidence: None })
        };
        let spans: Vec<Span> = known.iter().enumerate().filter_map(span).collect();
        let files = [File { path: "a", content: CONTENT, spans: &spans }];
        let trace = samples::commit(|commit| Trace::of(&Commit { files: &files, ..commit }, "waymark/test"));
        let trace = Trace::parse(&serde_json::to_vec(&trace).unwrap()).unwrap();
        for (line, (class, record)) in (1..).zip(known) {
            let told = trace.lookup("a", line).map(|traced| (traced.kind, traced.record));
            let expected = Class::ALL.get(class).map(|class| ((*class).into(), Some(samples::id(record))));
            prop_assert_eq!(told, expected);
        }
    }

    #[test]
    fn an_id_is_a_uuid_of_version_8(origin in "\\PC{0,20}", revision in "[0-9a-f]{0,64}") {
        let id = id(&origin, &revision);
        let mut trace = serde_json::to_value(ours()).unwrap();
        trace["id"] = id.clone().into();
        prop_assert_eq!(faults(&trace), [""; 0]);
        prop_assert_eq!((&id[14..15], id.len()), ("8", 36));
    }
}
