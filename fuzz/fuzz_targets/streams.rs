//! Streams of conversations, cut anywhere, read and written in every other dialect.
#![no_main]

use waymark_fuzz::crossing::{CLIENTS, PROVIDERS};
use waymark_fuzz::random::pieces;
use waymark_fuzz::streams::{broken, heard, read, write};
use waymark_fuzz::{CREATED, Input, MODEL};

waymark_fuzz::target!(check);

fn check(input: Input<'_>) {
    let provider = input.of(&PROVIDERS);
    let events = read(provider.dialect, provider.talk.event_reader(), &[input.body]);
    let cut = read(provider.dialect, provider.talk.event_reader(), &pieces(input.body, input.seed));
    assert_eq!(cut, events);
    let said = heard(&events, provider.dialect.as_str());
    let client = input.other(&CLIENTS);
    let dialect = client.dialect;
    let writer = client.talk.event_writer(client.prompt(input.seed), MODEL, CREATED);
    let mut written = write(dialect, writer, &events, input.body);
    // The gateway ends a stream that breaks off with an error, so that it never looks whole.
    if !said.ended && !said.failed {
        written.extend(broken(dialect));
    }
    let whose = format!("{dialect}: {}", String::from_utf8_lossy(&written));
    let again = heard(&read(dialect, client.talk.event_reader(), &[&written]), &whose);
    assert_eq!((again.ended, again.failed), (said.ended, !said.ended), "{whose}");
    if said.ended {
        assert_eq!(again.text, said.text, "{whose}");
        // Who asks by an instruction offers no tools.
        assert!(!dialect.is_conversation() || again.calls.len() == said.calls.len(), "{whose}");
    }
}
