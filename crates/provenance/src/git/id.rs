//! Names of objects, in either of git's two hashes.

use std::fmt;
use std::str::FromStr;

use waymark_ledger::commitment::hex;

/// The full name of an object: 40 hex digits in a SHA-1 repository, 64 in a SHA-256 one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    bytes: [u8; 32],
    length: u8,
}

/// The full name of a commit.
pub type CommitId = ObjectId;

/// Not 40 or 64 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an object's id is 40 or 64 hex digits")]
pub struct ParseObjectIdError;

impl ObjectId {
    /// Whether it is git's name for nothing: all zeros.
    pub fn is_null(&self) -> bool {
        self.bytes.iter().all(|&byte| byte == 0)
    }

    /// The digest's bytes: 20 or 32.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// Reads what git wrote.
    pub(crate) fn from_ascii(hex: &[u8]) -> Option<Self> {
        std::str::from_utf8(hex).ok()?.parse().ok()
    }
}

impl FromStr for ObjectId {
    type Err = ParseObjectIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.as_bytes();
        if digits.len() != 40 && digits.len() != 64 {
            return Err(ParseObjectIdError);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self { bytes, length: (digits.len() / 2) as u8 })
    }
}

fn digit(character: u8) -> Result<u8, ParseObjectIdError> {
    match character {
        b'0'..=b'9' => Ok(character - b'0'),
        b'a'..=b'f' => Ok(character - b'a' + 10),
        b'A'..=b'F' => Ok(character - b'A' + 10),
        _ => Err(ParseObjectIdError),
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex(self.as_bytes()))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ids_of_both_lengths_round_trip(long in any::<bool>(), bytes in any::<[u8; 32]>()) {
            let id = ObjectId { bytes, length: 32 };
            let text: String = id.to_string().chars().take(if long { 64 } else { 40 }).collect();
            prop_assert_eq!(text.parse::<ObjectId>().unwrap().to_string(), text);
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = text.parse::<ObjectId>();
        }
    }

    #[test]
    fn only_zeros_are_nothing() {
        assert!("0".repeat(40).parse::<ObjectId>().unwrap().is_null());
        assert!(!format!("{}1", "0".repeat(39)).parse::<ObjectId>().unwrap().is_null());
    }
}
