//! Everything attribution asks of git, always by running `git` itself: its answers are what the user's own git says.
//!
//! Nothing here writes to the repository, but for [`Repository::add_notes`], which is asked to. What makes long histories
//! quick to walk is written beside it, in a folder of the caller's ([`Repository::with_shadow`]). Objects are read as they
//! are: replacements (`git replace`) and grafts are not followed. Paths are text from the repository's root with `/`; where
//! git has one that is not UTF-8, what is not becomes U+FFFD, everywhere alike.

mod blame;
mod commit;
pub mod content;
pub mod diff;
mod error;
mod id;
mod kept;
mod moves;
mod notes;
mod objects;
mod place;
mod porcelain;
mod process;
mod revision;
mod shadow;
mod tree;
mod walk;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};

pub use blame::BlameLine;
pub use commit::{Commit, Person};
pub use error::{GitError, NotText};
pub use id::{CommitId, ObjectId, ParseObjectIdError};
pub use objects::{Blob, Objects};
pub use shadow::Refreshed;
pub use tree::{Change, ChangeKind, Kind, Side, TreeFile};

use process::{ask, malformed, run};
use shadow::Shadow;

/// The tree without anything in it, in either hash.
const EMPTY_TREES: [&str; 2] = [
    "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
];

/// Makes commands of git for one repository. Whoever makes them builds the wall that keeps hooks, the network and the
/// settings of others out.
pub trait Commands: Send + Sync {
    /// `git` with its global options, the repository's folder (`-C`) among them, to be given a subcommand. Its stdin is
    /// null, its stdout and stderr are pipes.
    fn command(&self) -> Command;
}

/// A repository, found.
pub struct Repository {
    asking: Asking,
    top: Option<PathBuf>,
    git_dir: PathBuf,
    common_dir: PathBuf,
    is_sha256: bool,
    /// Where a shallow clone ends; empty for a whole one.
    boundary: BTreeSet<CommitId>,
    names: OnceLock<BTreeSet<String>>,
    shadow: Option<Shadow>,
    /// The index that is looked at; none for the repository's own.
    index: Option<PathBuf>,
    reading: Mutex<Objects>,
}

/// What every command needs: shared with the processes that go on running.
#[derive(Clone)]
pub(crate) struct Asking {
    commands: Arc<dyn Commands>,
    directory: PathBuf,
}

impl Asking {
    /// A git command at the repository's root, to be given its arguments.
    pub(crate) fn git(&self) -> Command {
        let mut command = self.commands.command();
        command.arg("-C").arg(&self.directory).args(["-c", "core.quotePath=off"]);
        command.env("GIT_NO_REPLACE_OBJECTS", "1").env("GIT_GRAFT_FILE", "/dev/null").env("LC_ALL", "C");
        command
    }

    /// What git writes for the id of the object that a name leads to; nothing where it leads nowhere.
    pub(crate) fn named(&self, name: &str) -> Result<Option<Vec<u8>>, GitError> {
        const OPERATION: &str = "rev-parse";
        let mut command = self.git();
        command.args([OPERATION, "--verify", "--quiet", "--end-of-options", name]);
        let output = run(&mut command, OPERATION)?;
        Ok(output.status.success().then(|| output.stdout.trim_ascii_end().to_owned()))
    }
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Repository")
            .field("directory", &self.asking.directory)
            .finish_non_exhaustive()
    }
}

impl Repository {
    /// Asks git what repository its commands are for.
    pub fn open(commands: Box<dyn Commands>) -> Result<Self, GitError> {
        let commands: Arc<dyn Commands> = Arc::from(commands);
        let [format, git_dir, common_dir] = facts(commands.as_ref())?;
        let (git_dir, common_dir) = (PathBuf::from(git_dir), PathBuf::from(common_dir));
        let output = run(commands.command().args(["rev-parse", "--show-toplevel"]), "rev-parse")?;
        // A bare repository has none, nor has the inside of a git directory.
        let top = output.status.success().then(|| one_path(output.stdout)).transpose()?;
        let directory = top.clone().unwrap_or_else(|| git_dir.clone());
        let asking = Asking { commands, directory };
        let boundary = boundary(&common_dir)?;
        Ok(Self {
            reading: Mutex::new(Objects::new(asking.clone())),
            asking,
            top,
            git_dir,
            common_dir,
            is_sha256: format == "sha256",
            boundary,
            names: OnceLock::new(),
            shadow: None,
            index: None,
        })
    }

    /// The working tree's root; nothing for a bare repository.
    pub fn top(&self) -> Option<&Path> {
        self.top.as_deref()
    }

    /// Whether history was cut off when it was fetched.
    pub fn is_shallow(&self) -> bool {
        !self.boundary.is_empty()
    }

    /// A running process that reads objects, for many questions in a row.
    pub fn objects(&self) -> Result<Objects, GitError> {
        let mut objects = Objects::new(self.asking.clone());
        objects.start()?;
        Ok(objects)
    }

    fn git(&self) -> Command {
        self.asking.git()
    }

    /// The tree without anything in it.
    fn empty_tree(&self) -> &'static str {
        EMPTY_TREES[usize::from(self.is_sha256)]
    }

    /// A git command that only walks history, from commits by their full ids: it runs in the shadow where there is one.
    fn walker(&self) -> Command {
        self.usable_shadow().map_or_else(|| self.git(), |shadow| shadow.git(&self.asking))
    }

    /// Reads one object with the process that the repository keeps for itself.
    fn blob(&self, spec: &str, most: u64) -> Result<Blob, GitError> {
        // What a panic left behind is a process like any other: it is asked again, or started anew.
        self.reading.lock().unwrap_or_else(std::sync::PoisonError::into_inner).blob(spec, most)
    }
}

/// The object format, the git directory, and that of the main working tree.
fn facts(commands: &dyn Commands) -> Result<[String; 3], GitError> {
    const OPERATION: &str = "rev-parse";
    const ASKED: [&str; 3] = ["--show-object-format", "--git-dir", "--git-common-dir"];
    let answer = |asked: &[&str]| {
        let mut command = commands.command();
        let answer = ask(command.args([OPERATION, "--path-format=absolute"]).args(asked), OPERATION)?;
        String::from_utf8(answer).map_err(|_| malformed(OPERATION))
    };
    let together = answer(&ASKED)?;
    let lines: Vec<&str> = together.lines().collect();
    if let [format, git_dir, common_dir] = lines[..] {
        return Ok([format, git_dir, common_dir].map(str::to_owned));
    }
    // A line feed in a path: one question for each.
    let one = |asked| answer(&[asked]).map(|line| line.strip_suffix('\n').unwrap_or(&line).to_owned());
    Ok([one(ASKED[0])?, one(ASKED[1])?, one(ASKED[2])?])
}

fn one_path(mut answer: Vec<u8>) -> Result<PathBuf, GitError> {
    if answer.last() == Some(&b'\n') {
        answer.pop();
    }
    String::from_utf8(answer).map(PathBuf::from).map_err(|_| malformed("rev-parse"))
}

/// Where a shallow clone ends: the ids in the file that git keeps of them (git's `shallow` format: one a line).
fn boundary(common_dir: &Path) -> Result<BTreeSet<CommitId>, GitError> {
    let path = common_dir.join("shallow");
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text.lines().filter_map(|line| line.trim().parse().ok()).collect()),
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(source) => Err(GitError::File { path, source }),
    }
}
