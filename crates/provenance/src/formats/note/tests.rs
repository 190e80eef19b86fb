use proptest::prelude::*;
use waymark_types::Timestamp;

use super::*;
use crate::formats::lines::Lines;

mod rewrites;

fn id(n: u8) -> RecordId {
    RecordId::new(Timestamp::from_micros(1_795_449_600_000_000 + i64::from(n) * 1_000), [n; 10])
}

fn lines(text: &str) -> LineSet {
    LineSet::parse(text).unwrap()
}

fn run(first: u32, last: u32) -> Lines {
    Lines::new(first, last).unwrap()
}

fn ai(n: u8, model: &str) -> By {
    By::Ai {
        record: id(n),
        tool: "opencode".into(),
        session: "ses_7f3a".into(),
        model: model.into(),
        requested: Some("auto".into()),
        human: None,
    }
}

fn ada() -> By {
    By::Human { name: "Ada Byron".into(), email: "ada@example.com".into() }
}

fn built(spans: &[(Lines, By)]) -> Note {
    Note::build("4b825dc642cb6eb9a060e54bf8d69288fbee4904", "0.1.0", [("src/a.rs", spans)])
}

fn read(text: &str) -> Result<Note, NoteError> {
    Note::parse(text.as_bytes())
}

fn record_of(note: &Note, path: &str, line: u32) -> Option<RecordId> {
    match note.lookup(path, line) {
        Some(Author::Ai { record, .. }) => record,
        _ => None,
    }
}

/// All three kinds of key in one note, as a repository has it that went from older versions to newer ones.
const MIXED: &str = r#"src/net/server.rs
  s_c9883b05a2487d::t_0a1b2c3d4e5f60 1-10,15-20
  s_c9883b05a2487d::t_9f8e7d6c5b4a32 25
  h_1f7a3e5c9b2d40 30-34
src/lib.rs
  c9883b05a2487d6d 1-50
  h_00000000000000 40
"docs/two words.md"
  ab12cd3 7
---
{
  "schema_version": "authorship/3.0.0",
  "git_ai_version": "1.6.24",
  "base_commit_sha": "0d1d7fc32e5b2c8f8b2b6b3f3a7f6c0f1f5d6e7a",
  "prompts": {
    "c9883b05a2487d6d": {
      "agent_id": {"tool": "cursor", "id": "session_123", "model": "gpt-5"},
      "human_author": "Grace <grace@example.com>",
      "total_additions": 50, "total_deletions": 2, "accepted_lines": 49, "overriden_lines": 1
    },
    "ab12cd3": {"agent_id": {"tool": "claude", "id": "c-1", "model": "sonnet"}, "human_author": null}
  },
  "humans": {"h_1f7a3e5c9b2d40": {"author": "Grace <grace@example.com>"}},
  "sessions": {
    "s_c9883b05a2487d": {
      "agent_id": {"tool": "cursor", "id": "session_123", "model": "unknown", "future": 1},
      "custom_attributes": {"team": "backend"}
    }
  },
  "something_new": {"kept": [1, 2.5, null]}
}"#;

#[test]
fn keys_of_every_kind_lead_to_who_wrote_a_line() {
    let note = read(MIXED).unwrap();
    let session = |model: &str, tool: &str, conversation: &str| {
        Some(Author::Ai {
            tool: tool.into(),
            model: model.into(),
            conversation: conversation.into(),
            record: None,
            requested_model: None,
        })
    };
    assert_eq!(note.lookup("src/net/server.rs", 15), session("unknown", "cursor", "session_123"));
    assert_eq!(note.lookup("src/net/server.rs", 25), session("unknown", "cursor", "session_123"));
    let grace = Author::Human { name: "Grace".into(), email: "grace@example.com".into() };
    assert_eq!(note.lookup("src/net/server.rs", 34), Some(grace));
    assert_eq!(note.lookup("src/net/server.rs", 35), None);
    assert_eq!(note.lookup("src/lib.rs", 39), session("gpt-5", "cursor", "session_123"));
    assert_eq!(note.lookup("docs/two words.md", 7), session("sonnet", "claude", "c-1"));
    assert_eq!(note.lookup("docs/two", 7), None);
}

#[test]
fn a_line_whose_last_writer_is_lost_is_not_the_one_before_s() {
    assert_eq!(read(MIXED).unwrap().lookup("src/lib.rs", 40), Some(Author::Untold));
}

#[test]
fn what_is_not_known_stays_in_the_note() {
    let note = read(MIXED).unwrap();
    let written = note.to_bytes().unwrap();
    assert_eq!(Note::parse(&written).unwrap(), note);
    let text = String::from_utf8(written).unwrap();
    let metadata: Value = serde_json::from_str(text.split_once("---\n").unwrap().1).unwrap();
    assert_eq!(metadata["something_new"]["kept"], serde_json::json!([1, 2.5, null]));
    assert_eq!(metadata["sessions"]["s_c9883b05a2487d"]["agent_id"]["future"], 1);
    assert_eq!(metadata["prompts"]["c9883b05a2487d6d"]["overriden_lines"], 1);
}

#[test]
fn older_forms_of_the_same_shape_are_read_and_others_are_not() {
    let note = |schema: &str| {
        read(&format!("a\n  ab12cd3 1\n---\n{{\"schema_version\":\"{schema}\",\"base_commit_sha\":\"\"}}"))
    };
    for known in ["authorship/1.0.0", "authorship/2.1.0", "authorship/3.0.0", "authorship/3.1.0"] {
        assert_eq!(note(known).unwrap().lookup("a", 1), Some(Author::Untold), "{known}");
    }
    for unknown in ["authorship/4.0.0", "authorship/", "authorship/3.0.0-x", "3.0.0", ""] {
        assert!(matches!(note(unknown), Err(NoteError::Schema(_))), "{unknown}");
    }
}

#[test]
fn malformed_notes_are_refused_with_the_line_that_is_at_fault() {
    let line = |text: &str| match read(text) {
        Err(NoteError::Line { number, .. }) => number,
        other => panic!("{other:?}"),
    };
    assert_eq!(line("  ab12cd3 1\n---\n{}"), 1);
    assert_eq!(line("a\n  ab12cd3\n---\n{}"), 2);
    assert_eq!(line("a\n\n  ab12cd3 1,x\n---\n{}"), 3);
    assert_eq!(line("a\n  ab12cd3 0-4\n---\n{}"), 2);
    assert_eq!(line("a\n   ab12cd3 1\n---\n{}"), 2);
    assert_eq!(line("a\n b\n---\n{}"), 2);
    assert!(matches!(read("a\n  ab12cd3 1\n"), Err(NoteError::NotParted)));
    assert!(matches!(read("a\n--- \n{}"), Err(NoteError::NotParted)));
    assert!(matches!(read("---\n{}"), Err(NoteError::Metadata(_))));
    assert!(matches!(read("---\n"), Err(NoteError::Metadata(_))));
    assert!(matches!(Note::parse(b"\xff\n---\n{}"), Err(NoteError::Text(_))));
    assert!(matches!(Note::parse(&vec![b'a'; MAX_NOTE + 1]), Err(NoteError::TooLarge(_))));
}

#[test]
fn a_note_with_the_line_ends_of_another_system_reads_the_same() {
    assert_eq!(read(&MIXED.replace('\n', "\r\n")).unwrap(), read(MIXED).unwrap());
}

#[test]
fn keys_are_made_as_the_standard_makes_them() {
    // The standard's own pair of a session and its key.
    assert_eq!(short("s_", "cursor:session_123"), "s_c9883b05a2487d");
    let note = built(&[(run(1, 2), ai(1, "large-2")), (run(4, 4), ada())]);
    let (key, session) = note.metadata.sessions.first_key_value().unwrap();
    assert_eq!(*key, short("s_", &format!("{}:{}", session.agent_id.tool, session.agent_id.id)));
    let (key, person) = note.metadata.humans.first_key_value().unwrap();
    assert_eq!((&**key, &*person.author), (&*short("h_", &person.author), "Ada Byron <ada@example.com>"));
}

#[test]
fn our_note_of_a_commit() {
    let spans = [
        (run(1, 4), ai(1, "large-2")),
        (run(5, 5), ada()),
        (run(6, 9), ai(2, "small-1")),
        (run(10, 10), ai(1, "large-2")),
        (run(12, 12), ai(3, "large-2")),
    ];
    let note = built(&spans);
    assert_eq!(String::from_utf8(note.to_bytes().unwrap()).unwrap(), include_str!("ours.note"));
    assert_eq!(Note::parse(include_bytes!("ours.note")).unwrap(), note);
    for (lines, by) in &spans {
        let By::Ai { record, model, .. } = by else { continue };
        let author = Author::Ai {
            tool: "opencode".into(),
            model: model.clone(),
            conversation: "ses_7f3a".into(),
            record: Some(*record),
            requested_model: Some("auto".into()),
        };
        assert_eq!(note.lookup("src/a.rs", lines.last()), Some(author));
    }
    assert_eq!(note.lookup("src/a.rs", 11), None);
}

#[test]
fn a_model_that_was_asked_for_by_name_is_named_once() {
    let By::Ai { record, tool, session, model, .. } = ai(1, "large-2") else { unreachable!() };
    let asked = |requested: Option<&str>| By::Ai {
        record,
        tool: tool.clone(),
        session: session.clone(),
        model: model.clone(),
        requested: requested.map(Into::into),
        human: None,
    };
    let note = built(&[(run(1, 1), asked(Some("large-2"))), (run(2, 2), asked(None))]);
    let sessions: Vec<&str> = note.metadata.sessions.values().map(|session| &*session.agent_id.id).collect();
    assert_eq!(sessions, ["ses_7f3a#large-2"]);
}

#[test]
fn two_people_in_one_session_are_neither() {
    let asked_by = |n: u8, who: &str| match ai(n, "large-2") {
        By::Ai { record, tool, session, model, requested, .. } => {
            By::Ai { record, tool, session, model, requested, human: Some(who.into()) }
        }
        By::Human { .. } => unreachable!(),
    };
    let one = built(&[(run(1, 1), asked_by(1, "Ada")), (run(2, 2), asked_by(2, "Ada"))]);
    let two = built(&[(run(1, 1), asked_by(1, "Ada")), (run(2, 2), asked_by(2, "Grace"))]);
    let who = |note: &Note| note.metadata.sessions.values().next().unwrap().human_author.clone();
    assert_eq!((who(&one).as_deref(), who(&two)), (Some("Ada"), None));
}

#[test]
fn a_session_that_lost_its_list_has_no_record_rather_than_a_wrong_one() {
    let mut note = built(&[(run(1, 1), ai(1, "large-2")), (run(2, 2), ai(2, "large-2"))]);
    let session = note.metadata.sessions.values_mut().next().unwrap();
    session.custom_attributes.as_mut().unwrap().insert(RECORD.into(), id(1).to_string());
    assert_eq!(record_of(&note, "src/a.rs", 1), Some(id(1)));
    assert_eq!(record_of(&note, "src/a.rs", 2), None);
    assert!(note.files["src/a.rs"][1].key.ends_with(&trace_of(&id(2))));
}

#[test]
fn paths_are_quoted_where_they_would_not_read_back() {
    let key = [(run(1, 1), ada())];
    for path in
        ["a b", "\ttab", "---", "\"", "\"quoted\"", "\"half", "half\"", "a\nb", "ends \u{a0}", "ü", "a\rb"]
    {
        let note = Note::build("", "0", [(path, &key[..])]);
        let read = Note::parse(&note.to_bytes().unwrap()).unwrap();
        assert!(read.lookup(path, 1).is_some(), "{path:?}");
        assert_eq!(read.files.len(), 1);
    }
}

#[test]
fn a_name_cannot_pass_for_a_part_of_the_note() {
    let key = [(run(1, 1), ada())];
    for path in ["", "a\n---\n{}", "x\"\n  h_forged 1-9\nb", "a\r\nb", "1\n2\n3\n4\n5\n6\n7\n8\n9"] {
        let note = Note::build("", "0", [(path, &key[..]), ("b", &key[..])]);
        let read = Note::parse(&note.to_bytes().unwrap()).unwrap();
        assert_eq!(read.files.keys().collect::<Vec<_>>(), ["b"], "{path:?}");
    }
}

/// Notes with every part that they can have.
fn notes() -> impl Strategy<Value = Note> {
    let key = prop_oneof!["s_[0-9a-f]{14}::t_[0-9a-f]{14}", "h_[0-9a-f]{14}", "[0-9a-f]{16}", "[0-9a-f]{7}"];
    let run = (1_u32..60, 0_u32..9).prop_map(|(first, more)| Lines::new(first, first + more).unwrap());
    let lines = prop::collection::vec(run, 1..5).prop_map(LineSet::from_iter);
    let entry = (key, lines).prop_map(|(key, lines)| Attested { key, lines });
    let path = prop_oneof!["[a-c]/[ab]\\.rs", "[ -~]{1,12}"];
    let files = prop::collection::btree_map(path, prop::collection::vec(entry, 1..5), 0..4);
    let text = "[ -~]{0,8}";
    let session = (text, text, text, prop::option::of(text)).prop_map(|(tool, id, model, human_author)| {
        let agent_id = Agent { tool, id, model, rest: Map::new() };
        Session { agent_id, human_author, custom_attributes: None, rest: Map::new() }
    });
    let sessions = prop::collection::btree_map("s_[0-9a-f]{14}", session, 0..3);
    let humans = prop::collection::btree_map("h_[0-9a-f]{14}", text, 0..3);
    (files, sessions, humans).prop_map(|(files, sessions, humans)| {
        let mut note = Note::new("base", None);
        note.files = files.into_iter().filter(|(path, _)| !path.trim().is_empty()).collect();
        note.metadata.sessions = sessions;
        let person = |author| Person { author, rest: Map::new() };
        note.metadata.humans = humans.into_iter().map(|(key, author)| (key, person(author))).collect();
        note
    })
}

proptest! {
    #[test]
    fn notes_read_back(note in notes()) {
        prop_assert_eq!(Note::parse(&note.to_bytes().unwrap()).unwrap(), note);
    }

    #[test]
    fn no_bytes_are_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Note::parse(&bytes);
    }

    #[test]
    fn whatever_is_read_is_written_the_same_for_ever(
        text in "((\"?[a \"\r]{0,3}\"?|  [sht_0-9:]{0,6} [0-9,-]{0,9}|---| )\n){0,8}---\n",
    ) {
        let text = text + r#"{"schema_version":"authorship/3.0.0","base_commit_sha":"","prompts":{}}"#;
        if let Ok(note) = read(&text) {
            let again = Note::parse(&note.to_bytes().unwrap()).unwrap();
            prop_assert_eq!(again, note);
        }
    }
}
