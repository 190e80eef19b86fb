//! From a file's bytes to lines that can be compared.
//!
//! Lines are numbered as git numbers them: only a line feed ends one. What surrounds the text (byte order mark, the
//! carriage return before a line feed) is dropped, and the text is decoded, so that the same code reads the same in
//! every file.

use std::borrow::Cow;

use super::NotText;

/// The longest file that is read line by line, in bytes.
pub const MOST: u64 = 8 * 1024 * 1024;

/// Every Git LFS pointer begins so (Git LFS specification, "The Pointer").
const LFS: &[u8] = b"version https://git-lfs.github.com/spec/v1";
/// A pointer file is shorter than this (same place).
const LFS_LONGEST: usize = 1024;

/// A file as attribution sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Its lines, without line ends. A last line feed opens no line of its own.
    Lines(Vec<String>),
    /// It has NUL bytes.
    Binary,
    /// It stands for a file that Git LFS keeps elsewhere.
    LfsPointer,
    /// It is longer than [`MOST`].
    TooLarge,
}

/// Reads a file's bytes as lines. UTF-16 is known by its byte order mark; what is not UTF-8 either is read as Latin-1,
/// one character a byte. A carriage return inside a line stays there, as git does not end a line at it.
pub fn lines(bytes: &[u8]) -> Content {
    match not_text(bytes) {
        Some(NotText::TooLarge) => Content::TooLarge,
        Some(NotText::LfsPointer) => Content::LfsPointer,
        Some(NotText::Binary) => Content::Binary,
        None => Content::Lines(split(&decoded(bytes)).map(str::to_owned).collect()),
    }
}

/// What a file is when it is not text; nothing for text.
pub(crate) fn not_text(bytes: &[u8]) -> Option<NotText> {
    if bytes.len() as u64 > MOST {
        return Some(NotText::TooLarge);
    }
    if is_lfs_pointer(bytes) {
        return Some(NotText::LfsPointer);
    }
    let has_nul = if is_utf_16(bytes) { decoded(bytes).contains('\0') } else { bytes.contains(&0) };
    has_nul.then_some(NotText::Binary)
}

/// Whether the bytes begin with UTF-16's mark.
pub(crate) fn is_utf_16(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff])
}

fn is_lfs_pointer(bytes: &[u8]) -> bool {
    bytes.len() < LFS_LONGEST
        && bytes.strip_prefix(LFS).is_some_and(|rest| rest.starts_with(b"\n") || rest.starts_with(b"\r\n"))
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split_terminator('\n').map(|line| line.strip_suffix('\r').unwrap_or(line))
}

/// The text, without a byte order mark.
fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    if is_utf_16(bytes) {
        return Cow::Owned(utf_16(&bytes[2..], bytes[0] == 0xff));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(latin_1(bytes)),
    }
}

fn utf_16(bytes: &[u8], little_endian: bool) -> String {
    let unit = |pair: &[u8]| {
        let pair = [pair[0], pair[1]];
        if little_endian { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) }
    };
    let units = bytes.chunks_exact(2).map(unit);
    char::decode_utf16(units).map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// One character a byte: different bytes stay different.
pub(crate) fn latin_1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(bytes: &[u8]) -> Vec<String> {
        match lines(bytes) {
            Content::Lines(lines) => lines,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_line_end_gives_the_same_lines() {
        for bytes in [&b"a\nb\n"[..], b"a\nb", b"a\r\nb\r\n", b"a\r\nb", b"\xef\xbb\xbfa\nb\n"] {
            assert_eq!(text(bytes), ["a", "b"], "{bytes:?}");
        }
        assert_eq!(text(b""), [""; 0]);
        assert_eq!(text(b"\n\n"), ["", ""]);
        assert_eq!(text(b"a\rb\n"), ["a\rb"], "git counts one line");
    }

    #[test]
    fn other_encodings_are_decoded() {
        assert_eq!(text(b"\xff\xfea\0\r\0\n\0\xe9\0\n\0"), ["a", "é"]);
        assert_eq!(text(b"\xfe\xff\0a\0\n\0\xe9"), ["a", "é"]);
        assert_eq!(text(b"caf\xe9\n"), ["café"]);
        assert_eq!(text("café\n".as_bytes()), ["café"]);
        assert_eq!(text(b"\xff\xfe\0\xd8"), ["\u{fffd}"], "half a surrogate pair");
    }

    #[test]
    fn what_is_not_text_is_told() {
        assert_eq!(lines(b"a\0b\n"), Content::Binary);
        assert_eq!(lines(b"\xff\xfe\0\0a\0\0\0"), Content::Binary, "UTF-32");
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
        assert_eq!(lines(pointer), Content::LfsPointer);
        assert_eq!(text(b"version https://git-lfs.github.com/spec/v10\n").len(), 1);
        assert_eq!(lines(&vec![b'a'; MOST as usize + 1]), Content::TooLarge);
    }

    proptest! {
        #[test]
        fn lines_are_as_many_as_git_counts(bytes in any::<Vec<u8>>()) {
            if let Content::Lines(lines) = lines(&bytes) && !is_utf_16(&bytes) {
                let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
                let feeds = bytes.iter().filter(|&&byte| byte == b'\n').count();
                let open = usize::from(bytes.last().is_some_and(|&byte| byte != b'\n'));
                prop_assert_eq!(lines.len(), feeds + open);
            }
        }
    }
}
