//! Salted commitments to payload bytes: HMAC-SHA-256 keyed with a per-record random salt.
//!
//! Without the salt a commitment says nothing, not even about a guessed text; with salt and text anyone can
//! check it. Salts therefore live outside the tree.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::entry::Commitment;

/// The random key of one record's commitments.
pub type Salt = [u8; 32];

/// The digest of a salt, which the intent carries so that a changed salt shows.
pub fn salt_digest(salt: &Salt) -> String {
    hex(&Sha256::digest(salt))
}

/// Commits to bytes that arrive in pieces.
pub struct Committer {
    mac: Hmac<Sha256>,
    bytes: u64,
}

impl Committer {
    /// Starts a commitment under `salt`.
    pub fn new(salt: &Salt) -> Self {
        // HMAC pads a short key with zeros to the hash's block (RFC 2104, section 2).
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        block[..salt.len()].copy_from_slice(salt);
        Self { mac: <Hmac<Sha256> as KeyInit>::new(&block), bytes: 0 }
    }

    /// Adds the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.mac.update(piece);
        self.bytes += piece.len() as u64;
    }

    /// The commitment to everything added.
    pub fn finish(self) -> Commitment {
        Commitment { bytes: self.bytes, hmac_sha256: hex(&self.mac.finalize().into_bytes()) }
    }
}

/// HMAC-SHA-256 of `bytes` under `key`.
pub(crate) fn mac(key: &Salt, bytes: &[u8]) -> [u8; 32] {
    let mut committer = Committer::new(key);
    committer.update(bytes);
    committer.mac.finalize().into_bytes().into()
}

/// The commitment to `bytes` under `salt`.
pub fn commit(salt: &Salt, bytes: &[u8]) -> Commitment {
    let mut committer = Committer::new(salt);
    committer.update(bytes);
    committer.finish()
}

/// Lower-case hexadecimal digits of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        digits.push(char::from(DIGITS[usize::from(byte >> 4)]));
        digits.push(char::from(DIGITS[usize::from(byte & 0x0f)]));
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commitment_is_plain_hmac_sha_256() {
        // RFC 4231, test case 1, its 20-byte key padded with zeros as HMAC itself does.
        let mut salt = [0; 32];
        salt[..20].fill(0x0b);
        let commitment = commit(&salt, b"Hi There");
        assert_eq!(
            commitment.hmac_sha256,
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        assert_eq!(commitment.bytes, 8);
    }

    #[test]
    fn pieces_commit_as_the_whole() {
        let salt = [7; 32];
        let mut committer = Committer::new(&salt);
        for piece in [&b"ab"[..], b"", b"cde"] {
            committer.update(piece);
        }
        assert_eq!(committer.finish(), commit(&salt, b"abcde"));
    }
}
