//! Reads what `git blame --porcelain` prints (git's `git-blame` documentation, "The porcelain format").
//!
//! Each line has a header `<commit> <its line there> <its line here>[ <lines of the group>]`, then facts about the commit
//! where it is new to the reader, then a tab and the text.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::CommitId;
use super::process::path_text;

/// Where a line comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Nothing for a line that is not committed.
    pub(crate) commit: Option<CommitId>,
    /// Its number in that commit's file, from 1.
    pub(crate) line: u32,
    /// The file's path in that commit.
    pub(crate) path: Arc<str>,
    /// The commit before, and the file's path there.
    pub(crate) previous: Option<(CommitId, Arc<str>)>,
    /// Whether the walk ended there because it was told to.
    pub(crate) is_boundary: bool,
    /// When the commit was committed, in seconds since 1970.
    pub(crate) time: i64,
}

impl Origin {
    /// Whether it is further back than was asked for: this commit, or any before it.
    pub(crate) fn is_before(&self, since: Option<i64>) -> bool {
        self.commit.is_some() && since.is_some_and(|since| self.time < since)
    }
}

/// What is known of a commit.
#[derive(Default)]
struct Known {
    path: Option<Arc<str>>,
    previous: Option<(CommitId, Arc<str>)>,
    is_boundary: bool,
    time: i64,
}

/// Reads the answer: for each line its number in the file, and its origin. Nothing where it is not in that form.
pub(crate) fn parse(answer: &[u8]) -> Option<Vec<(u32, Origin)>> {
    let mut lines = answer.split(|&byte| byte == b'\n').peekable();
    let mut commits: FxHashMap<CommitId, Known> = FxHashMap::default();
    let mut paths = Paths::default();
    let mut found = Vec::new();
    while let Some(header) = lines.next() {
        if header.is_empty() && lines.peek().is_none() {
            break;
        }
        let mut words = header.split(|&byte| byte == b' ');
        let commit = CommitId::from_ascii(words.next()?)?;
        let (line, number) = (digits(words.next()?)?, digits(words.next()?)?);
        let known = commits.entry(commit).or_default();
        let mut previous = None;
        loop {
            let fact = lines.next()?;
            if fact.first() == Some(&b'\t') {
                break;
            } else if fact == b"boundary" {
                known.is_boundary = true;
            } else if let Some(value) = fact.strip_prefix(b"committer-time ") {
                // A time beyond all is damage that says nothing of the lines.
                let time = std::str::from_utf8(value).ok().and_then(|time| time.parse().ok());
                known.time = time.unwrap_or(i64::MAX);
            } else if let Some(value) = fact.strip_prefix(b"previous ") {
                let at = value.iter().position(|&byte| byte == b' ')?;
                previous = Some((CommitId::from_ascii(&value[..at])?, paths.get(&value[at + 1..])));
            } else if let Some(value) = fact.strip_prefix(b"filename ") {
                // It ends the facts, and is told again where the commit has the lines under several paths.
                known.path = Some(paths.get(value));
                known.previous = previous.take();
            }
        }
        let origin = Origin {
            commit: (!commit.is_null()).then_some(commit),
            line,
            path: known.path.clone()?,
            previous: known.previous.clone(),
            is_boundary: known.is_boundary,
            time: known.time,
        };
        found.push((number, origin));
    }
    Some(found)
}

fn digits(word: &[u8]) -> Option<u32> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// Paths, each kept once.
#[derive(Default)]
struct Paths(FxHashMap<Vec<u8>, Arc<str>>);

impl Paths {
    fn get(&mut self, quoted: &[u8]) -> Arc<str> {
        if let Some(path) = self.0.get(quoted) {
            return path.clone();
        }
        let path: Arc<str> = path_text(&unquoted(quoted)).into();
        self.0.insert(quoted.to_vec(), path.clone());
        path
    }
}

/// A path as it is. Git quotes, as C does, one that has quotes, backslashes or control characters.
fn unquoted(path: &[u8]) -> Vec<u8> {
    let Some(inner) = path.strip_prefix(b"\"").and_then(|path| path.strip_suffix(b"\"")) else {
        return path.to_vec();
    };
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next() {
            Some(b'a') => 7,
            Some(b'b') => 8,
            Some(b't') => b'\t',
            Some(b'n') => b'\n',
            Some(b'v') => 11,
            Some(b'f') => 12,
            Some(b'r') => b'\r',
            Some(high @ b'0'..=b'3') => {
                let mut digit =
                    || rest.next().filter(|byte| (b'0'..=b'7').contains(byte)).unwrap_or(b'0') - b'0';
                (high - b'0') << 6 | digit() << 3 | digit()
            }
            Some(other) => other,
            None => b'\\',
        });
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn facts_are_told_once_and_paths_again() {
        let (a, b) = ("a".repeat(40), "b".repeat(40));
        let answer = format!(
            "{a} 3 1 2\nauthor X\ncommitter-time 1700000000\nsummary filename\nprevious {b} old\nfilename new\n\t{b} 1 1\n\
             {a} 4 2\n\ttwo\n\
             {b} 9 3 1\nsummary s\nboundary\nfilename \"q \\\"\\303\\251\\n\"\n\tthree\n\
             {a} 1 4 1\nfilename other\n\tfour\n\
             {zero} 5 5 1\nfilename new\n\tfive\n",
            zero = "0".repeat(40)
        );
        let lines = parse(answer.as_bytes()).unwrap();
        let seen: Vec<_> = lines.iter().map(|(at, origin)| (*at, origin.line, &*origin.path)).collect();
        assert_eq!(seen, [(1, 3, "new"), (2, 4, "new"), (3, 9, "q \"é\n"), (4, 1, "other"), (5, 5, "new")]);
        assert_eq!(lines[1].1.previous.as_ref().map(|(_, path)| &**path), Some("old"));
        assert_eq!(lines[3].1.previous, None);
        let boundary: Vec<bool> = lines.iter().map(|(_, origin)| origin.is_boundary).collect();
        assert_eq!(boundary, [false, false, true, false, false]);
        assert_eq!(lines[4].1.commit, None);
        assert_eq!((lines[1].1.time, lines[2].1.time), (1_700_000_000, 0));
        assert_eq!(parse(b""), Some(Vec::new()));
        assert_eq!(parse(&answer.as_bytes()[..answer.len() - 10]), None, "cut off");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>(), quoted in "\"[a-z\\\\0-9]*\"") {
            let _ = (parse(&bytes), unquoted(quoted.as_bytes()));
        }

        #[test]
        fn an_answer_cut_off_is_no_answer_or_a_shorter_one(cut in 0usize..200) {
            let a = "a".repeat(40);
            let answer = format!("{a} 1 1 2\nsummary s\nfilename f\n\tone\n{a} 2 2\n\ttwo\n");
            let cut = cut.min(answer.len());
            let whole = parse(answer.as_bytes()).unwrap();
            if let Some(lines) = parse(&answer.as_bytes()[..cut]) {
                prop_assert_eq!(&lines[..], &whole[..lines.len()]);
            }
        }
    }
}
