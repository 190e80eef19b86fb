//! Code in answers, emissions as they are kept, and what others write beside commits.
#![no_main]

use waymark_fuzz::Input;
use waymark_ledger::emission::Emissions;
use waymark_provenance::formats::note::Note;
use waymark_provenance::formats::trace::Trace;
use waymark_provenance::formats::trailer;
use waymark_provenance::git::content::{self, Content};
use waymark_provenance::{Key, Role, extract};
use waymark_types::Timestamp;

waymark_fuzz::target!(check);

/// Tools whose arguments are code, each in its own way.
const TOOLS: [&str; 8] = [
    "Write",
    "Edit",
    "apply_patch",
    "exec_command",
    "replace_in_file",
    "insert_edit_into_file",
    "str_replace_based_edit_tool",
    "anything",
];

fn check(input: Input<'_>) {
    if let Ok(emissions) = Emissions::from_bytes(input.body) {
        let (emitted, bytes, marks) = emissions.seal();
        let again = Emissions::from_bytes(&bytes).expect("what was sealed can be read");
        assert_eq!(again.seal().0, emitted);
        assert!(marks.is_sorted());
        assert_eq!(again.marks(), marks);
    }
    if let Ok(note) = Note::parse(input.body) {
        let bytes = note.to_bytes().expect("a note that was read can be written");
        Note::parse(&bytes).expect("and read again");
    }
    let _ = Trace::parse(input.body);
    let read = content::lines(input.body);
    let text = String::from_utf8_lossy(input.body);
    let records = trailer::records(&trailer::add(&text, "#", &trailer::records(&text)));
    assert_eq!(records, trailer::records(&text));
    code(&text, input.of::<&str>(&TOOLS));
    if let Content::Lines(lines) = read {
        let (prefix, suffix) = lines.split_at(lines.len() / 2);
        let _ = extract::completion(None, &prefix.join("\n"), &text, &suffix.join("\n"));
    }
}

/// What is read of an answer adds something or takes something away, line by line, and all of it can be kept.
fn code(text: &str, tool: &str) {
    let written = extract::written(text, &[(tool.to_owned(), text.to_owned())]);
    for written in &written {
        assert!(written.lines.iter().any(|line| line.role != Role::Context), "something is added or taken away");
        assert!(written.lines.iter().all(|line| !line.text.contains('\n')));
    }
    let emissions = Key::new(&[7; 32]).emissions(&written, Timestamp::from_micros(0), Some("shop"));
    let (_, bytes, _) = emissions.seal();
    assert_eq!(Emissions::from_bytes(&bytes), Ok(emissions));
}
