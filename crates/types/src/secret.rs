//! Secrets that cannot be printed (promise 7).

use zeroize::Zeroizing;

/// A secret text. It has no `Display`, `Debug` or `Serialize`, and its memory is wiped when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text in.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself, for the one place that must send it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}
