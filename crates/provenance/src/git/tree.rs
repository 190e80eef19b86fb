//! What a commit holds, and what it changed.

use std::fmt;

use super::process::{ask, malformed, path_text};
use super::{CommitId, GitError, ObjectId, Repository};

/// Above this many files on either side, renames are not looked for among files that changed, too.
const MOST_RENAMES: &str = "-l1000";

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A file.
    File,
    /// A file that may be run.
    Executable,
    /// A symbolic link: its blob is the path it leads to.
    Symlink,
    /// Another repository's commit.
    Submodule,
    /// A folder.
    Folder,
}

impl Kind {
    /// Reads a file mode in octal digits.
    fn from_mode(mode: &[u8]) -> Option<Self> {
        Some(match mode {
            b"100755" => Self::Executable,
            b"120000" => Self::Symlink,
            b"160000" => Self::Submodule,
            b"040000" => Self::Folder,
            // Old trees have others, as 100664.
            mode if mode.starts_with(b"100") => Self::File,
            _ => return None,
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::File | Self::Executable => "a file",
            Self::Symlink => "a symbolic link",
            Self::Submodule => "a submodule",
            Self::Folder => "a folder",
        })
    }
}

/// A file of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFile {
    /// From the root.
    pub path: String,
    /// The blob; a submodule's commit.
    pub id: ObjectId,
    /// What it is.
    pub kind: Kind,
}

/// What happened to a file between two commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What happened.
    pub kind: ChangeKind,
    /// Where the file is, else was.
    pub path: String,
    /// Where it was before, for one that was renamed.
    pub old_path: Option<String>,
    /// What stood there before: nothing for an added file.
    pub old: Option<Side>,
    /// What stands there now: nothing for a deleted file.
    pub new: Option<Side>,
}

/// One side of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Side {
    /// The blob; a submodule's commit.
    pub id: ObjectId,
    /// What it is.
    pub kind: Kind,
}

/// The way a file changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Deleted,
    /// Its content or mode is another.
    Modified,
    /// It has another path, and may be changed, too.
    Renamed,
    /// It is of another kind, as a link where a file was.
    Replaced,
}

impl Repository {
    /// The files a commit changed against its first parent; all its files for a root commit.
    pub fn changes(&self, commit: &CommitId) -> Result<Vec<Change>, GitError> {
        const OPERATION: &str = "diff-tree";
        if self.boundary.contains(commit) {
            return Err(GitError::Shallow { commit: *commit });
        }
        let mut command = self.git();
        command.args([OPERATION, "-r", "-z", "--raw", "--no-abbrev", "-M", MOST_RENAMES]);
        command.args(["--no-ext-diff", "--no-textconv", "--ignore-submodules=none"]);
        command.args(["--root", "--no-commit-id", "--diff-merges=first-parent", &commit.to_string(), "--"]);
        parse_changes(&ask(&mut command, OPERATION)?).ok_or_else(|| malformed(OPERATION))
    }

    /// Every file of a commit's tree, in git's order; submodules come as one entry.
    pub fn files(&self, commit: &CommitId) -> Result<Vec<TreeFile>, GitError> {
        self.listing(&["-r", &commit.to_string()])
    }

    pub(crate) fn listing(&self, what: &[&str]) -> Result<Vec<TreeFile>, GitError> {
        const OPERATION: &str = "ls-tree";
        let mut command = self.git();
        let listing = ask(command.args([OPERATION, "-z", "--full-tree"]).args(what), OPERATION)?;
        let records = listing.split(|&byte| byte == 0).filter(|record| !record.is_empty());
        records.map(parse_file).collect::<Option<_>>().ok_or_else(|| malformed(OPERATION))
    }

    /// What stands at a path of a commit: of the path itself or, where a submodule is in its way, of that.
    pub(crate) fn entry(&self, commit: &CommitId, path: &str) -> Result<Option<TreeFile>, GitError> {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        let parts: Vec<&str> = ends.map(|end| &path[..end]).filter(|part| !part.is_empty()).collect();
        let commit = commit.to_string();
        let mut asked = vec![commit.as_str(), "--"];
        asked.extend(&parts);
        let listing = self.listing(&asked)?;
        Ok(listing.into_iter().find(|entry| {
            entry.path == path || entry.kind == Kind::Submodule && parts.contains(&entry.path.as_str())
        }))
    }
}

/// Reads `ls-tree -z`: `<mode> <type> <id>\t<path>`.
fn parse_file(record: &[u8]) -> Option<TreeFile> {
    let tab = record.iter().position(|&byte| byte == b'\t')?;
    let mut facts = record[..tab].split(|&byte| byte == b' ');
    let kind = Kind::from_mode(facts.next()?)?;
    let _type = facts.next()?;
    let id = ObjectId::from_ascii(facts.next()?)?;
    Some(TreeFile { path: path_text(&record[tab + 1..]), id, kind })
}

/// Reads what `diff-tree` and `diff-index` say with `--raw -z`: `:<mode> <mode> <id> <id> <letter>[score]`, then one
/// path, or two for a renamed file (git's documentation, "Raw output format").
pub(crate) fn parse_changes(listing: &[u8]) -> Option<Vec<Change>> {
    let mut fields = listing.split(|&byte| byte == 0);
    let mut changes = Vec::new();
    loop {
        let facts = match fields.next() {
            None | Some(b"") => return fields.next().is_none().then_some(changes),
            Some(facts) => facts.strip_prefix(b":")?,
        };
        let mut words = facts.split(|&byte| byte == b' ');
        let (old_mode, new_mode) = (words.next()?, words.next()?);
        let (old_id, new_id) = (ObjectId::from_ascii(words.next()?)?, ObjectId::from_ascii(words.next()?)?);
        let kind = match words.next()?.first()? {
            b'A' => ChangeKind::Added,
            b'D' => ChangeKind::Deleted,
            b'R' => ChangeKind::Renamed,
            b'T' => ChangeKind::Replaced,
            b'M' => ChangeKind::Modified,
            _ => return None,
        };
        let mut path = path_text(fields.next()?);
        let mut old_path = None;
        if kind == ChangeKind::Renamed {
            old_path = Some(std::mem::replace(&mut path, path_text(fields.next()?)));
        }
        let side = |mode, id| Kind::from_mode(mode).map(|kind| Side { id, kind });
        changes.push(Change {
            kind,
            path,
            old_path,
            old: side(old_mode, old_id),
            new: side(new_mode, new_id),
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn raw_changes_are_read() {
        let (a, b, zero) = ("a".repeat(40), "b".repeat(40), "0".repeat(40));
        let raw = format!(
            ":000000 120000 {zero} {a} A\0l\0:100644 100755 {a} {b} R090\0old \n\0new\0:160000 000000 {a} {zero} D\0m\0"
        );
        let changes = parse_changes(raw.as_bytes()).unwrap();
        assert_eq!((changes[0].kind, changes[0].old), (ChangeKind::Added, None));
        assert_eq!(changes[0].new.unwrap().kind, Kind::Symlink);
        assert_eq!((changes[1].path.as_str(), changes[1].old_path.as_deref()), ("new", Some("old \n")));
        assert_eq!((changes[2].old.unwrap().kind, changes[2].new), (Kind::Submodule, None));
        assert_eq!(parse_changes(b""), Some(Vec::new()));
    }

    #[test]
    fn tree_records_are_read() {
        let id = "a".repeat(64);
        let file = parse_file(format!("100664 blob {id}\ta\tb").as_bytes()).unwrap();
        assert_eq!((file.path.as_str(), file.kind), ("a\tb", Kind::File));
        let module = parse_file(format!("160000 commit {id}\tm").as_bytes()).unwrap();
        assert_eq!(module.kind, Kind::Submodule);
        assert_eq!(parse_file(format!("040000 tree {id}\tm").as_bytes()).unwrap().kind, Kind::Folder);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>()) {
            let _ = (parse_file(&bytes), parse_changes(&bytes));
        }
    }
}
