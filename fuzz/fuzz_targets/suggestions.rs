//! The embedded model: any text around the cursor, any saved file beside it.
#![no_main]

use waymark_flash::{CompletionRequest, Flash, Source};
use waymark_fuzz::Input;

waymark_fuzz::target!(check);

fn check(input: Input<'_>) {
    let text = String::from_utf8_lossy(input.body);
    let mut parts = text.splitn(4, '\u{1}');
    let mut part = || parts.next().unwrap_or_default();
    let (prefix, suffix, saved, path) = (part(), part(), part(), part());
    let flash = Flash::empty();
    if !saved.is_empty() {
        flash.saved(if path.is_empty() { "src/other.rs" } else { path }, saved);
    }
    let max_tokens = (input.seed < 16).then_some(input.seed.into());
    let path = (input.choice % 2 == 1 && !path.is_empty()).then_some(path);
    let request = CompletionRequest { prefix, suffix, path, threshold: Some(0.0), max_tokens };
    let completion = flash.complete(&request);
    assert_eq!(completion, flash.complete(&request));
    assert!((0.0..=1.0).contains(&completion.confidence));
    let Some(suggestion) = completion.suggestion else { return };
    assert!(!suggestion.text.contains('\n'));
    assert!(max_tokens.is_none_or(|most| completion.completion_tokens <= u64::from(most)));
    for citation in &suggestion.citations {
        let whole = match citation.source {
            Source::Buffer => [prefix, suffix].concat(),
            _ => saved.to_owned(),
        };
        let line = whole.split('\n').nth(citation.line as usize - 1);
        assert!(
            line.is_some_and(|line| line.contains(&suggestion.text)),
            "{:?} is not in line {} ({line:?}) of {whole:?}",
            suggestion.text,
            citation.line
        );
    }
}
