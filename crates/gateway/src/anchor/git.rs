//! Anchors in a git repository: a chain of commits on one ref, whose tree has one file for each log.
//!
//! Everything is done with git's plumbing, and without index, working tree, hooks or the user's configuration, so that
//! it works in any repository and nobody's work notices. The ref is moved only from where it was seen: of several
//! gateways that anchor at once, each goes on from the other's commit.

use std::path::Path;
use std::process::Command;

use waymark_flash::Error;
use waymark_flash::git::{self, Git};

use super::{AnchorError, Signed, Standing};

/// The ref.
pub(super) const REF: &str = "refs/waymark/checkpoints";

/// The file's name in a log's folder.
const FILE: &str = "checkpoint";

/// How often a ref that moved away is followed.
const TRIES: usize = 32;

/// A note's bytes, at most.
pub(super) const LONGEST: u64 = 1 << 16;

/// Who commits, whoever runs this.
const IDENTITY: [(&str, &str); 4] = [
    ("GIT_AUTHOR_NAME", "waymark"),
    ("GIT_AUTHOR_EMAIL", "waymark@localhost"),
    ("GIT_COMMITTER_NAME", "waymark"),
    ("GIT_COMMITTER_EMAIL", "waymark@localhost"),
];

/// What must not depend on anybody's configuration: no hook runs, nothing is signed or recoded, and what is written
/// survives a power cut.
const CONFIGURATION: [&str; 5] = [
    "core.hooksPath=/dev/null",
    "commit.gpgSign=false",
    "i18n.commitEncoding=UTF-8",
    "core.fsync=loose-object,reference",
    "core.filesRefLockTimeout=2000",
];

/// The folders and the file in which a log's checkpoint lies. Whatever the log is called, no two share a path, and no
/// system refuses it.
pub(super) fn path(origin: &str) -> Vec<String> {
    let segment = |segment: &str| {
        let plain = |at: usize, byte: u8| {
            let reserved = at == 0 && (byte == b'.' || segment == FILE);
            !reserved && (byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        let escaped = |(at, byte): (usize, u8)| {
            if plain(at, byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
        };
        if segment.is_empty() { "%".to_owned() } else { segment.bytes().enumerate().map(escaped).collect() }
    };
    origin.split('/').map(segment).chain([FILE.to_owned()]).collect()
}

/// Commits a checkpoint to the ref of the repository that `directory` lies in.
pub(super) fn anchor(directory: &Path, signed: &Signed) -> Result<(), AnchorError> {
    let chain = Chain { git: Git::discover(directory)?, signed };
    let path = path(&signed.checkpoint.origin);
    for _ in 0..TRIES {
        let tip = chain.tip()?;
        if signed.after(chain.held(tip.as_deref(), &path)?.as_deref())? == Standing::There {
            return Ok(());
        }
        let tree = chain.tree(tip.as_deref(), &path)?;
        let commit = chain.commit(&tree, tip.as_deref())?;
        match chain.advance(&commit, tip.as_deref()) {
            Ok(()) => return Ok(()),
            Err(error) if chain.tip()? == tip => return Err(error.into()),
            Err(_) => {}
        }
    }
    Err(AnchorError::Moving(REF))
}

struct Chain<'a> {
    git: Git,
    signed: &'a Signed,
}

impl Chain<'_> {
    fn command(&self) -> Command {
        let mut command = self.git.command();
        command.args(CONFIGURATION.iter().flat_map(|setting| ["-c", setting]));
        let date = format!("@{} +0000", self.signed.now.as_micros().max(0) / 1_000_000);
        command.envs(IDENTITY).env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date);
        command
    }

    fn ask(&self, operation: &'static str, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, Error> {
        git::answer(self.command().arg(operation).args(arguments), operation, input)
    }

    /// An object's name, as git answered it.
    fn name(&self, operation: &'static str, arguments: &[&str], input: &[u8]) -> Result<String, Error> {
        let answer = self.ask(operation, arguments, input)?;
        Ok(String::from_utf8_lossy(&answer).trim().to_owned())
    }

    /// The commit that the ref leads to.
    fn tip(&self) -> Result<Option<String>, AnchorError> {
        let found = self.name("for-each-ref", &["--format=%(objecttype) %(objectname)", REF], b"")?;
        match found.split_once(' ') {
            Some(("commit", name)) => Ok(Some(name.to_owned())),
            Some(_) => Err(AnchorError::NoCommit(REF)),
            None => Ok(None),
        }
    }

    /// The log's note in a commit.
    fn held(&self, tip: Option<&str>, path: &[String]) -> Result<Option<String>, AnchorError> {
        let Some(tip) = tip else { return Ok(None) };
        let mut held = None;
        self.git.blobs(&[&format!("{tip}:{}", path.join("/"))], LONGEST, |_, bytes| held = bytes)?;
        Ok(held.and_then(|bytes| String::from_utf8(bytes).ok()))
    }

    /// The tip's tree with the log's note put in its place.
    fn tree(&self, tip: Option<&str>, path: &[String]) -> Result<String, Error> {
        let note = self.signed.note.as_bytes();
        let mut object = self.name("hash-object", &["-w", "--no-filters", "--stdin"], note)?;
        for depth in (0..path.len()).rev() {
            let kind = if depth + 1 == path.len() { "100644 blob" } else { "040000 tree" };
            let mut listing = self.others(tip, &path[..depth], &path[depth])?;
            listing.extend_from_slice(format!("{kind} {object}\t{}\0", path[depth]).as_bytes());
            object = self.name("mktree", &["-z", "--missing"], &listing)?;
        }
        Ok(object)
    }

    /// What else the tip has in a folder, as `mktree` reads it.
    fn others(&self, tip: Option<&str>, folder: &[String], name: &str) -> Result<Vec<u8>, Error> {
        let Some(tip) = tip else { return Ok(Vec::new()) };
        let prefix: String = folder.iter().map(|name| format!("{name}/")).collect();
        let mut arguments = vec!["-z", "--full-tree", tip];
        arguments.extend(Some(prefix.as_str()).filter(|prefix| !prefix.is_empty()));
        let listing = self.ask("ls-tree", &arguments, b"")?;
        let mut others = Vec::new();
        for record in listing.split(|&byte| byte == 0) {
            let Some(tab) = record.iter().position(|&byte| byte == b'\t') else { continue };
            let (facts, path) = record.split_at(tab + 1);
            match path.strip_prefix(prefix.as_bytes()) {
                Some(entry) if entry != name.as_bytes() => others.extend([facts, entry, b"\0"].concat()),
                _ => {}
            }
        }
        Ok(others)
    }

    fn commit(&self, tree: &str, tip: Option<&str>) -> Result<String, Error> {
        let checkpoint = &self.signed.checkpoint;
        let message = format!("waymark checkpoint: {} {}", checkpoint.origin, checkpoint.size);
        let parent = tip.map_or(vec![], |tip| vec!["-p", tip]);
        self.name("commit-tree", &[&parent[..], &["-m", &message, tree]].concat(), b"")
    }

    /// Moves the ref, if it still leads to the tip.
    fn advance(&self, commit: &str, tip: Option<&str>) -> Result<(), Error> {
        // An empty name stands for a ref that is not there.
        self.ask("update-ref", &["--no-deref", REF, commit, tip.unwrap_or_default()], b"").map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_path_of_its_own() {
        let path = |origin| path(origin).join("/");
        assert_eq!(path("waymark/58b17d1ef496606f"), "waymark/58b17d1ef496606f/checkpoint");
        assert_eq!(path("log.example.com"), "log.example.com/checkpoint");
        assert_eq!(path("../.git//ä"), "%2E./%2Egit/%/%C3%A4/checkpoint");
        assert_eq!(path("a/checkpoint"), "a/%63heckpoint/checkpoint");
        assert_eq!(path("a%"), "a%25/checkpoint");
    }
}
