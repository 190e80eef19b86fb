//! Attribution: what answers put out goes on record, and lines that git holds are matched with it.

use waymark_ledger::note::Signer;
use waymark_provenance::Key;

/// The key that fingerprints of code are made under. It goes with the ledger's own and never leaves the process.
#[derive(Clone, Copy)]
pub(crate) struct FingerprintKey([u8; 32]);

impl FingerprintKey {
    /// The key that goes with the ledger's.
    pub(crate) fn of(ledger: &Signer) -> Self {
        Self(ledger.subkey("code fingerprints"))
    }

    /// What makes fingerprints.
    pub(crate) fn key(&self) -> Key {
        Key::new(&self.0)
    }
}
