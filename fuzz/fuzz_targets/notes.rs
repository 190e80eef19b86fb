//! Keys, signed notes and checkpoints as text.
#![no_main]

use std::sync::LazyLock;

use waymark_fuzz::Input;
use waymark_ledger::checkpoint::{Checkpoint, root_text};
use waymark_ledger::note::{Signer, Verifier};

waymark_fuzz::target!(check);

static SIGNER: LazyLock<Signer> = LazyLock::new(|| Signer::new("waymark/fuzz", &[7; 32]).unwrap());
static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| SIGNER.verifier());

fn check(input: Input<'_>) {
    let Ok(text) = std::str::from_utf8(input.body) else { return };
    keys(text);
    // What the key did not sign is never opened: of all texts here it has signed the seeds' only.
    if let Ok(checkpoint) = Checkpoint::open(text, &VERIFIER) {
        assert_eq!((checkpoint.size, checkpoint.root), (42, [5; 32]));
    }
    if input.choice.is_multiple_of(16) {
        signed(&format!("{text}\n"));
    }
}

fn keys(text: &str) {
    if let Ok(verifier) = Verifier::from_text(text) {
        assert_eq!(verifier.to_text(), text.trim_end().to_owned());
        assert_eq!(Verifier::from_text(&verifier.to_text()), Ok(verifier));
    }
    if let Ok(signer) = Signer::from_text(text) {
        assert_eq!(signer.to_text().expose(), text.trim_end());
    }
}

/// Whatever the key signs is opened as it was signed, or refused for its letters; and a checkpoint says what it said.
fn signed(text: &str) {
    let note = SIGNER.sign(text);
    if let Ok(opened) = VERIFIER.open(&note) {
        assert_eq!(opened, text);
    } else {
        assert!(text.chars().any(|letter| letter.is_control() && letter != '\n'), "{text:?}");
    }
    if let Ok(Checkpoint { origin, size, root }) = Checkpoint::open(&note, &VERIFIER) {
        assert!(text.starts_with(&format!("{origin}\n{size}\n{}\n", root_text(&root))), "{text:?}");
    }
}
