//! Commits, read from git's own form of them (git's `git-cat-file` and `git-interpret-trailers` documentation).

use super::content::latin_1;
use super::objects::read_all;
use super::{CommitId, GitError, ObjectId, Repository};

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
    /// The message's first line.
    pub subject: String,
    /// The whole message.
    pub message: String,
    /// What stands as `Token: value` at the message's end, in order.
    pub trailers: Vec<Trailer>,
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

/// One line of a message's end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trailer {
    /// Before the colon.
    pub token: String,
    /// After it; continued lines are joined with one space.
    pub value: String,
}

/// Trailers that git writes itself: beside one of them, other lines may stand.
const GIT_WRITES: [&str; 2] = ["Signed-off-by: ", "(cherry picked from commit "];

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
    let (head, message) = end.map_or((bytes, &b""[..]), |end| (&bytes[..end], &bytes[end + 2..]));
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
    let message = text(message);
    Some(Commit {
        id,
        tree: tree?,
        parents,
        is_boundary: false,
        author: person(&text(author)),
        committer: person(&text(committer)),
        subject: message.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned(),
        trailers: trailers(&message),
        message,
    })
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

/// The trailers of the message's last paragraph: all its lines are some, or a quarter of them and one that git writes. The
/// first paragraph is the subject and has none.
fn trailers(message: &str) -> Vec<Trailer> {
    let lines: Vec<&str> = message.trim_end().lines().collect();
    let Some(start) = lines.iter().rposition(|line| line.trim().is_empty()) else { return Vec::new() };
    if lines[..start].iter().all(|line| line.trim().is_empty()) {
        return Vec::new();
    }
    let mut found: Vec<Trailer> = Vec::new();
    let (mut others, mut gits) = (0, 0);
    let mut goes_on = false;
    for line in &lines[start + 1..] {
        if line.starts_with([' ', '\t']) {
            match found.last_mut().filter(|_| goes_on) {
                Some(last) => last.value = format!("{} {}", last.value, line.trim()),
                None => others += 1,
            }
            continue;
        }
        gits += usize::from(GIT_WRITES.iter().any(|start| line.starts_with(start)));
        let trailer = trailer(line);
        goes_on = trailer.is_some();
        match trailer {
            Some(trailer) => found.push(trailer),
            None if line.starts_with(GIT_WRITES[1]) => {}
            None => others += 1,
        }
    }
    let enough = others == 0 || gits > 0 && found.len() * 3 >= others;
    if enough { found } else { Vec::new() }
}

fn trailer(line: &str) -> Option<Trailer> {
    let (token, value) = line.split_once(':')?;
    let token = token.trim_end();
    let is_token = !token.is_empty() && token.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    is_token.then(|| Trailer { token: token.to_owned(), value: value.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id() -> CommitId {
        "1".repeat(40).parse().unwrap()
    }

    fn tokens(message: &str) -> Vec<(String, String)> {
        trailers(message).into_iter().map(|trailer| (trailer.token, trailer.value)).collect()
    }

    #[test]
    fn a_signed_commit_in_another_encoding_is_read() {
        let tree = "2".repeat(40);
        let raw = format!(
            "tree {tree}\nparent {tree}\nparent {}\nauthor J\u{1}rg <j@example.com> -5 +0100\n\
             committer <> 7 +0000\nencoding ISO-8859-1\ngpgsig -----BEGIN\n author no <no> 1\n \n -----END\n\n\
             Subject\n\nBody\n\nWaymark: 1\n",
            id()
        );
        let raw: Vec<u8> = raw.bytes().map(|byte| if byte == 1 { 0xf6 } else { byte }).collect();
        let commit = parse(id(), &raw).unwrap();
        assert_eq!(commit.parents.len(), 2);
        let author = Person { name: "J\u{f6}rg".to_owned(), email: "j@example.com".to_owned(), time: -5 };
        assert_eq!((commit.author, commit.committer.time), (author, 7));
        assert_eq!((commit.subject.as_str(), commit.trailers.len()), ("Subject", 1));
    }

    #[test]
    fn trailers_are_the_last_paragraph() {
        assert_eq!(tokens("a: b"), []);
        assert_eq!(tokens("a: b\nc: d\n"), []);
        let pair = |token: &str, value: &str| (token.to_owned(), value.to_owned());
        assert_eq!(tokens("s\n\nA-b: c\n  d\nE:f\n"), [pair("A-b", "c d"), pair("E", "f")]);
        assert_eq!(tokens("s\n\nText: is this\nand more\n"), []);
        assert_eq!(
            tokens("s\n\nmore text\nSigned-off-by: A <a>\n(cherry picked from commit 1)\n"),
            [pair("Signed-off-by", "A <a>")]
        );
        assert_eq!(tokens("s\n\nA: b\n\nlast\n"), []);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>(), message in "[a-zA-Z:\\n \\-<>]*") {
            let _ = parse(id(), &bytes);
            let _ = (trailers(&message), person(&message));
        }
    }
}
