//! Keyed fingerprints of lines: the same line gives the same fingerprint under one ledger's key, and without the key a
//! fingerprint says nothing, not even about a guessed line.
//!
//! A line counts without its space, with one kind of quotes, and without the commas and semicolons at its end, which
//! formatters put there and take away. Its words are what lines that were edited are known by.

use std::borrow::Cow;
use std::cell::RefCell;

use hmac::{Hmac, KeyInit, Mac as _};
use rustc_hash::FxHashMap;
use sha2::Sha256;
use waymark_ledger::emission::{Emission, Emissions, EmittedLine, Fingerprint, Role, Word};
use waymark_types::Timestamp;

use crate::written::{Line, Written};

/// Endings of a path that are marked.
const MOST_PARTS: usize = 12;
/// Words of a line that count.
const MOST_WORDS: usize = 64;
/// A line of more bytes than this is generated or data: it counts by its beginning.
const LONGEST_LINE: usize = 4_096;
/// Words remembered.
const REMEMBERED: usize = 1 << 16;

/// The key fingerprints are made under, and the words it has lately been asked for.
pub struct Key {
    mac: Hmac<Sha256>,
    words: RefCell<FxHashMap<String, u16>>,
}

impl Key {
    /// The key of these 32 bytes.
    pub fn new(key: &[u8; 32]) -> Self {
        // HMAC pads a short key with zeros to the hash's block (RFC 2104, section 2).
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        block[..key.len()].copy_from_slice(key);
        Self { mac: <Hmac<Sha256> as KeyInit>::new(&block), words: RefCell::default() }
    }

    fn mark(&self, of: u8, bytes: &[u8]) -> u64 {
        let mut mac = self.mac.clone();
        mac.update(&[of]);
        mac.update(bytes);
        let tag = mac.finalize().into_bytes();
        tag.iter().take(8).fold(0, |mark, byte| mark << 8 | u64::from(*byte))
    }

    /// A line's fingerprint.
    pub fn fingerprint(&self, line: &str) -> Fingerprint {
        let line = begun(line);
        Fingerprint {
            line: self.line(line),
            exact: self.mark(b'e', line.as_bytes()) as u16,
            words: words(line).take(MOST_WORDS).map(|word| self.word(word)).collect(),
        }
    }

    /// What is the same of the fingerprints of lines that are the same but for what formatters change.
    pub fn line(&self, line: &str) -> u64 {
        self.mark(b'l', plain(begun(line)).as_bytes())
    }

    fn word(&self, word: &str) -> Word {
        let length = word.chars().count().min(usize::from(u8::MAX)) as u8;
        let lower = word.to_lowercase();
        let mut known = self.words.borrow_mut();
        if let Some(mark) = known.get(&lower) {
            return Word { mark: *mark, length };
        }
        let mark = self.mark(b'w', lower.as_bytes()) as u16;
        if known.len() == REMEMBERED {
            known.clear();
        }
        known.insert(lower, mark);
        Word { mark, length }
    }

    /// Marks of a path's endings, that of the file's name first.
    pub fn path(&self, path: &str) -> Vec<u64> {
        let parts = parts(path);
        let endings = (1..=parts.len().min(MOST_PARTS)).map(|length| parts[parts.len() - length..].join("/"));
        endings.map(|ending| self.mark(b'p', ending.as_bytes())).collect()
    }

    /// The code of an answer that ended at `ended`, as it is kept.
    pub fn emissions(&self, written: &[Written], ended: Timestamp, repository: Option<&str>) -> Emissions {
        let adds = |line: &Line| line.role == Role::Added && !is_blank(&line.text);
        let adding = written.iter().filter(|written| written.lines.iter().any(adds));
        // What is a line in a notebook may be a blank one of its code.
        let emissions = adding.map(|written| self.emission(written)).filter(|emission| emission.added() > 0);
        let emissions = emissions.collect();
        Emissions { ended, repository: repository.map(str::to_owned), word: None, emissions }
    }

    /// A stretch of code, as it is kept.
    pub fn emission(&self, written: &Written) -> Emission {
        let (mut lines, mut after_blank, mut apart) = (Vec::new(), false, false);
        let path = written.path.as_deref().unwrap_or_default();
        for line in &written.lines {
            let text = code(path, &line.text);
            let is_blank = is_blank(&text);
            apart |= line.apart;
            if !is_blank {
                let fingerprint = self.fingerprint(&text);
                let Line { role, shown, .. } = *line;
                lines.push(EmittedLine { role, after_blank, apart, shown, fingerprint });
                apart = false;
            }
            // One that is taken away leaves no gap.
            after_blank = is_blank && (line.role != Role::Removed || after_blank);
        }
        Emission {
            form: written.form,
            everywhere: written.everywhere,
            seen: written.seen,
            absolute: is_absolute(path.trim()),
            path: self.path(path),
            lines,
        }
    }
}

/// As much of a line as counts.
fn begun(line: &str) -> &str {
    line.get(..line.floor_char_boundary(LONGEST_LINE)).unwrap_or_default().trim()
}

/// The code of a line of a file. A notebook's file has it as JSON (nbformat 4), most often a string for each line, with its end, but
/// for the last; a model puts it out as it is.
pub fn code<'l>(path: &str, line: &'l str) -> Cow<'l, str> {
    if !path.ends_with(".ipynb") {
        return Cow::Borrowed(line);
    }
    let string = line.trim().strip_suffix(',').unwrap_or(line.trim());
    let string = match string.strip_prefix("\"source\": ") {
        Some(whole) => whole,
        None if string.ends_with("\\n\"") => string,
        None => return Cow::Borrowed(line),
    };
    let code: Option<String> = serde_json::from_str(string).ok();
    code.map_or(Cow::Borrowed(line), |code| Cow::Owned(code.trim().to_owned()))
}

fn is_blank(line: &str) -> bool {
    line.trim().is_empty()
}

/// A path's parts, without those that lead nowhere.
pub(crate) fn parts(path: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    for part in path.trim().split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts
}

/// Whether a path without space before it begins at a root.
pub(crate) fn is_absolute(path: &str) -> bool {
    path.starts_with(['/', '\\', '~']) || path.as_bytes().get(1) == Some(&b':')
}

/// A line without what formatters change.
fn plain(line: &str) -> String {
    let line = line.trim_end_matches(|letter: char| letter == ',' || letter == ';' || letter.is_whitespace());
    let quote = |letter: char| if matches!(letter, '\'' | '`') { '"' } else { letter };
    line.chars().filter(|letter| !letter.is_whitespace()).map(quote).collect()
}

/// A line's words: names fall apart at underscores and where a capital begins a part.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let runs = line.split(|letter: char| !letter.is_alphanumeric()).filter(|run| !run.is_empty());
    runs.flat_map(humps)
}

fn humps(run: &str) -> impl Iterator<Item = &str> {
    let mut rest = run;
    std::iter::from_fn(move || {
        let mut letters = rest.char_indices().peekable();
        let (_, mut before) = letters.next()?;
        let mut end = rest.len();
        while let Some((at, letter)) = letters.next() {
            let next_is_lower = letters.peek().is_some_and(|(_, next)| next.is_lowercase());
            let begins = letter.is_uppercase() && (!before.is_uppercase() || next_is_lower);
            if begins || letter.is_numeric() != before.is_numeric() {
                end = at;
                break;
            }
            before = letter;
        }
        let (word, after) = rest.split_at(end);
        rest = after;
        Some(word)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> Key {
        Key::new(&[7; 32])
    }

    #[test]
    fn names_fall_apart() {
        let found: Vec<&str> = words("let parseHTTPRequest2 = other_name.getId(x);").collect();
        assert_eq!(found, ["let", "parse", "HTTP", "Request", "2", "other", "name", "get", "Id", "x"]);
    }

    #[test]
    fn what_formatters_change_does_not_count() {
        let key = key();
        let one = key.fingerprint("    foo('a',  b),");
        for other in ["foo( \"a\", b )", "\tfoo('a', b);", "foo(`a`,b)"] {
            assert_eq!(key.fingerprint(other).line, one.line, "{other}");
        }
        assert_ne!(key.fingerprint("foo('a', c),").line, one.line);
        let cell = r#"    "foo('a',  b),\n","#;
        assert_eq!(code("a/b.ipynb", cell), "foo('a',  b),");
        assert_eq!(code("b.json", cell), cell);
        assert_eq!(code("b.ipynb", r#""foo\x\n""#), r#""foo\x\n""#, "no JSON");
        assert_eq!(key.fingerprint("foo('a',  b),  ").exact, one.exact);
        assert_ne!(key.fingerprint("foo('a', b)").exact, one.exact);
        assert_ne!(Key::new(&[8; 32]).fingerprint("    foo('a',  b),").line, one.line);
    }

    #[test]
    fn a_path_is_known_by_its_endings() {
        let key = key();
        let (absolute, relative) = (key.path("/projects/u/proj/src/a.rs"), key.path("src\\.\\b\\..\\a.rs"));
        assert_eq!((absolute.len(), relative.len()), (5, 2));
        assert_eq!(absolute[..2], relative[..]);
        assert_ne!(key.path("lib/a.rs")[1], relative[1]);
        assert!(key.path("").is_empty());
    }

    proptest! {
        #[test]
        fn words_make_up_the_letters_of_a_line(line in ".{0,60}") {
            let all: String = words(&line).collect();
            let letters: String = line.chars().filter(|letter| letter.is_alphanumeric()).collect();
            prop_assert_eq!(all, letters);
        }
    }
}
