//! Requests of conversations, read and written in every other dialect.
#![no_main]

use bytes::Bytes;
use waymark_fuzz::crossing::{CLIENTS, PROVIDERS, Talker, addressed};
use waymark_fuzz::{Input, MODEL, are_codes, is_json, streams};
use waymark_protocol::neutral::{Flavour, Loss, Prompt};
use waymark_protocol::{ParseError, parse};

waymark_fuzz::target!(check);

fn check(input: Input<'_>) {
    let client = input.of(&CLIENTS);
    let body = Bytes::copy_from_slice(input.body);
    let read = client.talk.read_prompt(input.body);
    // The gateway reads no further where it cannot tell what is asked, or that nothing is.
    let parsed = parse(client.dialect, &body, &addressed(client.dialect, MODEL, false));
    if !parsed.is_ok_and(|request| !request.warm_up) {
        return;
    }
    let Ok(mut prompt) = read else { return };
    are_codes(&prompt.losses);
    prompt.flavour =
        [Flavour::Original, Flavour::Imitation, Flavour::Mistral][usize::from(input.seed / 8) % 3];
    crosses(&prompt, input.other(&PROVIDERS), input.body);
}

/// What is written is a request that its own dialect reads, and says as much when it is written and read again.
fn crosses(prompt: &Prompt, provider: &Talker, body: &[u8]) {
    let dialect = provider.dialect;
    // Some read counts that no model has; those they do not read they need not write.
    let counts = [prompt.max_output, prompt.sampling.top_k];
    if prompt.sayable_in(dialect).is_err()
        || counts.iter().flatten().any(|&count| i64::try_from(count).is_err())
    {
        return;
    }
    let mut losses = Vec::new();
    let Ok(written) = provider.talk.write_prompt(prompt, MODEL, &mut losses) else { return };
    are_codes(&losses);
    is_json(&written, body);
    let whole = Bytes::copy_from_slice(&written);
    let shown = String::from_utf8_lossy(&written);
    let request = parse(dialect, &whole, &addressed(dialect, MODEL, prompt.stream));
    let request = match request {
        Ok(request) => request,
        // Nothing may be left of a conversation that says hardly anything; the provider will say so.
        Err(ParseError::Field { field: "input" | "messages" | "contents", .. }) => return,
        Err(error) => panic!("{dialect}: {error}: {shown}"),
    };
    assert_eq!((request.model.as_str(), request.stream), (MODEL, prompt.stream), "{dialect}: {shown}");
    let read = provider.talk.read_prompt(&written);
    let mut again = read.unwrap_or_else(|error| panic!("{dialect}: {error}: {shown}"));
    assert!(again.unsayable.is_empty(), "{dialect}: {:?}: {shown}", again.unsayable);
    // An empty address, say, is none; but there is no field that the dialect does not know, unless it is Mistral's own.
    let is_known = |loss: &Loss| prompt.flavour == Flavour::Mistral || !loss.code.starts_with("field:");
    assert!(again.losses.iter().all(is_known), "{dialect}: {:?}: {shown}", again.losses);
    again.flavour = prompt.flavour;
    let rewritten = provider.talk.write_prompt(&again, MODEL, &mut losses);
    // What makes no sense in one place, such as a comma in a media type, may make none in another.
    let Ok(rewritten) = rewritten else { return };
    let third = provider.talk.read_prompt(&rewritten).expect("what is written can be read");
    assert_eq!(text(&third), text(&again), "{dialect}: {shown}\n{}", String::from_utf8_lossy(&rewritten));
}

/// All that is said, without the white space that texts may be joined by.
fn text(prompt: &Prompt) -> String {
    let turns = prompt.turns.iter().map(|turn| streams::text(&turn.blocks));
    let all = turns.fold(streams::text(&prompt.system), |all, more| all + &more);
    all.split_whitespace().collect()
}
