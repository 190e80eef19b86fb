//! Commits, read from git's own form of them (git's `git-cat-file` documentation).

use super::content::latin_1;
use super::objects::read_all;
use super::{CommitId, GitError, ObjectId, Repository};

/// What `git revert` writes before the commit that it takes back, and how many of them are read.
const REVERTS: &str = "This reverts commit ";
const MOST_REVERTS: usize = 16;

/// One commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub id: CommitId,
    /// Its tree.
    pub tree: ObjectId,
    /// Its parents, the one it was made on first. Kept where a shallow clone ends, too: there they are not to be read.
    pub parents: Vec<CommitId>,
    /// Whether a shallow clone ends here, so that what it changed is not known.
    pub is_boundary: bool,
    /// Who wrote it, and when.
    pub author: Person,
    /// Who committed it, and when.
    pub committer: Person,
    /// The commits that its message says it reverts.
    pub reverts: Vec<CommitId>,
}

/// Somebody who wrote or committed something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// As written in the commit.
    pub name: String,
    /// As written in the commit.
    pub email: String,
    /// When, in seconds since 1970.
    pub time: i64,
}

impl Repository {
    /// Reads commits, in the order asked, with one process.
    pub fn commits(&self, ids: &[CommitId]) -> Result<Vec<Commit>, GitError> {
        let mut commits = Vec::with_capacity(ids.len());
        let mut missing = None;
        read_all(&self.asking, ids, "commit", |place, bytes| {
            let id = ids[place];
            match bytes.and_then(|bytes| parse(id, &bytes)) {
                Some(commit) => {
                    commits.push(Commit { is_boundary: self.boundary.contains(&id), ..commit });
                }
                None => missing = missing.or(Some(id)),
            }
        })?;
        missing.map_or(Ok(commits), |id| Err(GitError::Missing { what: format!("commit {id}") }))
    }
}

/// Reads a commit object; nothing when it is not in the form of one.
fn parse(id: CommitId, bytes: &[u8]) -> Option<Commit> {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n");
    let head = end.map_or(bytes, |end| &bytes[..end]);
    let mut tree = None;
    let mut parents = Vec::new();
    let (mut author, mut committer): (&[u8], &[u8]) = (b"", b"");
    for line in head.split(|&byte| byte == b'\n') {
        // Lines that go on (of a signature) begin with a space and have no name of ours.
        let at = line.iter().position(|&byte| byte == b' ').unwrap_or(line.len());
        let value = line.get(at + 1..).unwrap_or_default();
        match &line[..at] {
            b"tree" => tree = tree.or(ObjectId::from_ascii(value)),
            b"parent" => parents.extend(ObjectId::from_ascii(value)),
            b"author" => author = value,
            b"committer" => committer = value,
            _ => {}
        }
    }
    Some(Commit {
        id,
        tree: tree?,
        parents,
        is_boundary: false,
        author: person(&text(author)),
        committer: person(&text(committer)),
        reverts: end.map_or(Vec::new(), |end| reverts(&bytes[end..])),
    })
}

/// The commits that a message says it reverts, in git's own words.
fn reverts(message: &[u8]) -> Vec<CommitId> {
    let message = String::from_utf8_lossy(message);
    let ids = message.split(REVERTS).skip(1).take(MOST_REVERTS).filter_map(|rest| {
        let digits = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        rest.get(..digits)?.parse().ok()
    });
    let mut ids: Vec<CommitId> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// UTF-8 where it is; every other encoding is read a character a byte, as its name is seldom right.
fn text(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| latin_1(bytes), str::to_owned)
}

/// Reads `Name <email> seconds zone`; what is not there is empty.
fn person(line: &str) -> Person {
    let (name, rest) = line.split_once('<').unwrap_or((line, ""));
    let (email, time) = rest.rsplit_once('>').unwrap_or((rest, ""));
    let time = time.split_whitespace().next().and_then(|seconds| seconds.parse().ok()).unwrap_or(0);
    Person { name: name.trim().to_owned(), email: email.trim().to_owned(), time }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id() -> CommitId {
        "1".repeat(40).parse().unwrap()
    }

    #[test]
    fn a_signed_commit_in_another_encoding_is_read() {
        let tree = "2".repeat(40);
        let raw = format!(
            "tree {tree}\nparent {tree}\nparent {}\nauthor J\u{1}rg <j@example.com> -5 +0100\n\
             committer <> 7 +0000\nencoding ISO-8859-1\ngpgsig -----BEGIN\n author no <no> 1\n \n -----END\n\n\
             Subject\n\nThis reverts commit {}.\nThis reverts commit 12ab.\n\nWaymark: 1\n",
            id(),
            id()
        );
        let raw: Vec<u8> = raw.bytes().map(|byte| if byte == 1 { 0xf6 } else { byte }).collect();
        let commit = parse(id(), &raw).unwrap();
        assert_eq!(commit.parents.len(), 2);
        assert_eq!(commit.reverts, [id()]);
        let author = Person { name: "J\u{f6}rg".to_owned(), email: "j@example.com".to_owned(), time: -5 };
        assert_eq!((commit.author, commit.committer.time), (author, 7));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>(), line in "[a-zA-Z:\\n \\-<>]*") {
            let _ = parse(id(), &bytes);
            let _ = person(&line);
        }
    }
}
