//! From what a user writes to commits.

use std::path::PathBuf;

use rustc_hash::FxHashMap;

use super::process::{self, ask, failure, malformed, path_text, run, tell};
use super::tree::parse_changes;
use super::{CommitId, GitError, ObjectId, Repository};

impl Repository {
    /// The commit a revision names; a tag's is the one it stands for.
    pub fn resolve(&self, rev: &str) -> Result<CommitId, GitError> {
        const OPERATION: &str = "rev-parse";
        let revision = || rev.to_owned();
        if rev.is_empty() || rev.starts_with('-') || rev.contains('\0') {
            return Err(GitError::UnknownRevision { revision: revision() });
        }
        let mut command = self.git();
        command.args([OPERATION, "--verify", "--end-of-options", &format!("{rev}^{{commit}}")]);
        let output = run(&mut command, OPERATION)?;
        if output.status.success() {
            return CommitId::from_ascii(output.stdout.trim_ascii_end()).ok_or_else(|| malformed(OPERATION));
        }
        let said = String::from_utf8_lossy(&output.stderr);
        if said.contains("is ambiguous") {
            return Err(GitError::AmbiguousRevision { revision: revision() });
        }
        if said.contains("expected commit type") {
            return Err(GitError::NotACommit { revision: revision() });
        }
        match failure(OPERATION, &output.stderr) {
            GitError::Failed { message, .. } if message == "Needed a single revision" => {
                self.resolved_in_two(rev)
            }
            error => Err(error),
        }
    }

    /// Not every name can have `^{commit}` behind it, so it is asked for by itself. One that leads to an object that is not
    /// there is another fault than one that leads nowhere.
    fn resolved_in_two(&self, rev: &str) -> Result<CommitId, GitError> {
        let found = self.asking.named(rev)?.and_then(|id| CommitId::from_ascii(&id));
        // A full id needs no object to be one.
        let Some(object) = found.filter(|id| !rev.eq_ignore_ascii_case(&id.to_string())) else {
            return Err(GitError::UnknownRevision { revision: rev.to_owned() });
        };
        match self.resolve(&object.to_string()) {
            Err(GitError::UnknownRevision { .. }) => {
                Err(GitError::Missing { what: format!("{object} (`{rev}`)") })
            }
            Err(GitError::NotACommit { .. }) => Err(GitError::NotACommit { revision: rev.to_owned() }),
            resolved => resolved,
        }
    }

    /// When the newest commit up to these that changed the file was written, in seconds since 1970-01-01T00:00Z; nothing
    /// where none did.
    pub fn last_changed(&self, commits: &[CommitId], path: &str) -> Result<Option<i64>, GitError> {
        const OPERATION: &str = "log";
        if commits.is_empty() {
            return Ok(None);
        }
        let mut command = self.walker();
        command.args(["--literal-pathspecs", OPERATION, "-1", "--no-show-signature", "--format=%at"]);
        command.args(commits.iter().map(ToString::to_string)).args(["--", path]);
        let told = ask(&mut command, OPERATION)?;
        match told.trim_ascii() {
            b"" => Ok(None),
            time => String::from_utf8_lossy(time).parse().map(Some).map_err(|_| malformed(OPERATION)),
        }
    }

    /// The commit that is checked out; nothing before the first one.
    pub fn head(&self) -> Result<Option<CommitId>, GitError> {
        match self.resolve("HEAD") {
            Ok(commit) => Ok(Some(commit)),
            Err(GitError::UnknownRevision { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The commits of `A..B` (in B and not in A) or `A...B` (in one of them only), parents before children. A side left out
    /// is `HEAD`.
    pub fn range(&self, range: &str) -> Result<Vec<CommitId>, GitError> {
        let not_one = || GitError::NotARange { range: range.to_owned() };
        let dots = if range.contains("...") { "..." } else { ".." };
        let (a, b) = range.split_once(dots).ok_or_else(not_one)?;
        if a.is_empty() && b.is_empty() || b.starts_with('.') || b.contains("..") {
            return Err(not_one());
        }
        let side = |rev: &str| self.resolve(if rev.is_empty() { "HEAD" } else { rev });
        self.walked(&[&format!("{}{dots}{}", side(a)?, side(b)?)])
    }

    /// The commits that a commit is made on and itself, of those committed at `since` or later, in seconds since 1970:
    /// parents before children. The walk ends where only older ones follow.
    pub fn committed_since(&self, commit: &CommitId, since: i64) -> Result<Vec<CommitId>, GitError> {
        self.walked(&[&process::since(since), &commit.to_string()])
    }

    /// Files that commits up to this one, of those committed at `since` or later, changed at least so many times: the most
    /// changed first.
    pub fn often_changed(
        &self,
        commit: &CommitId,
        since: i64,
        least: usize,
    ) -> Result<Vec<String>, GitError> {
        const OPERATION: &str = "log";
        let mut command = self.walker();
        command.args([OPERATION, "-z", "--no-show-signature", "--no-merges", "--no-renames", "--name-only"]);
        command.arg("--format=");
        command.args([process::since(since), commit.to_string()]).arg("--");
        let listing = ask(&mut command, OPERATION)?;
        let mut changes: FxHashMap<&[u8], usize> = FxHashMap::default();
        for path in listing.split(|&byte| byte == 0).filter(|path| !path.is_empty()) {
            *changes.entry(path).or_default() += 1;
        }
        let mut often: Vec<_> = changes.into_iter().filter(|(_, count)| *count >= least).collect();
        often.sort_unstable_by_key(|(path, count)| (std::cmp::Reverse(*count), *path));
        Ok(often.into_iter().map(|(path, _)| path_text(path)).collect())
    }

    /// The commits that `git rev-list` comes by, parents before children.
    fn walked(&self, what: &[&str]) -> Result<Vec<CommitId>, GitError> {
        const OPERATION: &str = "rev-list";
        let mut asked = self.walker();
        asked.args([OPERATION, "--topo-order", "--reverse"]).args(what).arg("--");
        let listing = ask(&mut asked, OPERATION)?;
        let lines = listing.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        lines.map(CommitId::from_ascii).collect::<Option<_>>().ok_or_else(|| malformed(OPERATION))
    }

    /// What `git patch-id --stable` says of a commit's change, which stays the same over a rebase; nothing for a merge or
    /// a commit that changes nothing.
    pub fn patch_id(&self, commit: &CommitId) -> Result<Option<String>, GitError> {
        const OPERATION: &str = "patch-id";
        let mut shown = self.git();
        shown.args(["diff-tree", "-p", "--no-ext-diff", "--no-textconv", "--full-index", "--root"]);
        let patch = ask(shown.arg(commit.to_string()).arg("--"), "diff-tree")?;
        let answer = tell(self.git().args([OPERATION, "--stable"]), OPERATION, &patch)?;
        let id = answer.split(|&byte| byte == b' ').next().unwrap_or_default();
        Ok(String::from_utf8(id.to_vec()).ok().filter(|id| !id.trim().is_empty()))
    }

    /// Looks at another index than the repository's own, as git makes one for `git commit -a`.
    pub fn look_at_index(&mut self, index: PathBuf) {
        self.index = Some(index);
    }

    /// The files whose content in the index is not that of `HEAD`, and is there: their paths and blobs.
    pub fn staged(&self) -> Result<Vec<(String, ObjectId)>, GitError> {
        const OPERATION: &str = "diff-index";
        let head = self.head()?.map(|head| head.to_string());
        let against = head.as_deref().unwrap_or(self.empty_tree());
        let mut asked = self.git();
        if let Some(index) = &self.index {
            asked.env("GIT_INDEX_FILE", index);
        }
        asked.args([OPERATION, "--cached", "--raw", "--no-abbrev", "--no-renames", "--diff-filter=AM", "-z"]);
        let listing = ask(asked.args([against, "--"]), OPERATION)?;
        let changes = parse_changes(&listing).ok_or_else(|| malformed(OPERATION))?;
        let staged = changes.into_iter().map(|change| Some((change.path, change.new?.id)));
        staged.collect::<Option<_>>().ok_or_else(|| malformed(OPERATION))
    }
}
