//! Streams of completions, cut anywhere, read and written in every dialect of them.
#![no_main]

use waymark_fuzz::crossing::COMPLETERS;
use waymark_fuzz::random::pieces;
use waymark_fuzz::streams::{broken, heard, read, write};
use waymark_fuzz::{CREATED, Input, MODEL};
use waymark_protocol::FimPrompt;

waymark_fuzz::target!(check);

fn check(input: Input<'_>) {
    let provider = input.of(&COMPLETERS);
    let events = read(provider.dialect, provider.talk.event_reader(), &[input.body]);
    let cut = read(provider.dialect, provider.talk.event_reader(), &pieces(input.body, input.seed));
    assert_eq!(cut, events);
    let said = heard(&events, provider.dialect.as_str());
    let asked = FimPrompt { stream: true, ..FimPrompt::default() };
    let client = input.other(&COMPLETERS);
    let writer = client.talk.event_writer(&asked, MODEL, CREATED);
    let mut written = write(client.dialect, writer, &events, input.body);
    // The gateway ends a stream that breaks off with an error, so that it never looks whole.
    if !said.ended && !said.failed {
        written.extend(broken(client.dialect));
    }
    let whose = format!("{}: {}", client.dialect, String::from_utf8_lossy(&written));
    let again = heard(&read(client.dialect, client.talk.event_reader(), &[&written]), &whose);
    assert_eq!((again.ended, again.failed), (said.ended, !said.ended), "{whose}");
    if said.ended {
        assert_eq!(again.text, said.text, "{whose}");
    }
}
