//! What commands about lines have in common: the ledger, the repository, and how classes look.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anstyle::{AnsiColor, Style};
use waymark_gateway::SystemClock;
use waymark_gateway::attribution::{Attribution, AttributionError, BlamedLine, OLDER};
use waymark_provenance::git::GitError;
use waymark_provenance::{Class, EvidenceKind};

use super::Ledger;
use crate::args::Common;
use crate::failure::{CHECK_FAILED, Failure, UNREACHABLE, USAGE};
use crate::terminal::progress;

/// Opens the ledger and the repository that holds `folder`.
pub(super) async fn open(common: &Common, folder: &Path) -> Result<Attribution, Failure> {
    beside(Ledger::open(common).await?, folder)
}

/// The same beside a ledger that is open.
pub(super) fn beside(Ledger { store, data_dir, .. }: Ledger, folder: &Path) -> Result<Attribution, Failure> {
    Attribution::open(store, &data_dir, folder, Arc::new(SystemClock)).map_err(|error| failed(&error))
}

/// Makes the repository's history quick to walk, where it is not.
pub(super) fn refresh(attribution: &Attribution) {
    let bar = progress(0, "reading history {bar:30} {human_pos}/{human_len} commits");
    let refreshed = attribution.repository().refresh(&mut |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    // It is only slower without.
    if let Err(error) = refreshed {
        tracing::warn!("the history could not be made quick to walk: {error}");
    }
}

/// The folder a path lies in, to find its repository by; the path need not be there any more.
pub(super) fn folder_of(path: &Path) -> PathBuf {
    let folder = path.ancestors().skip(1).find(|folder| folder.is_dir());
    folder.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

/// A failure of attribution in the caller's terms.
pub(super) fn failed(error: &AttributionError) -> Failure {
    let told = |code| Failure::from_error(code, error);
    match error {
        AttributionError::Git(
            GitError::UnknownRevision { .. }
            | GitError::AmbiguousRevision { .. }
            | GitError::NotACommit { .. }
            | GitError::NotARange { .. }
            | GitError::Outside { .. },
        ) => told(USAGE),
        AttributionError::Git(GitError::NoSuchPath { commit: None, .. }) => {
            told(CHECK_FAILED).hint("name a commit that has it with --rev")
        }
        AttributionError::Git(GitError::Missing { .. } | GitError::Shallow { .. })
        | AttributionError::MissingCommit(_) => told(CHECK_FAILED).hint(
            "fetch what is missing (`git fetch --unshallow`), or ask again where history is being rewritten",
        ),
        AttributionError::NoRepository(_) => {
            told(UNREACHABLE).hint("run it in the repository, or name one with --repo")
        }
        AttributionError::Key(_) => told(UNREACHABLE)
            .hint("lines are matched under the ledger's own key: ask where its ledger.key is"),
        AttributionError::Git(GitError::Unavailable { .. }) => told(UNREACHABLE).hint("install git"),
        _ => told(CHECK_FAILED),
    }
}

/// A class's colour.
pub(super) fn style(class: Class) -> Style {
    match class {
        Class::Ai => AnsiColor::Cyan.on_default(),
        Class::AiModified => AnsiColor::Yellow.on_default(),
        Class::Human => AnsiColor::Green.on_default(),
        Class::Unknown => Style::new().dimmed(),
    }
}

/// How a line's class is known, in words.
pub(super) fn known_by(line: &BlamedLine) -> String {
    if let Some(gap) = line.gap {
        return format!("nothing can be known of it here: {}", gap_in_words(gap));
    }
    let Some(evidence) = &line.evidence else {
        return "nothing on record fits it; that does not make it a person's".to_owned();
    };
    let changed = evidence.changed_percent;
    let how = match evidence.kind {
        EvidenceKind::Feedback => "an editor said so".to_owned(),
        EvidenceKind::Exact if evidence.matched_lines == 1 => "as it was put out".to_owned(),
        EvidenceKind::Exact => format!("as it was put out, {} lines together", evidence.matched_lines),
        EvidenceKind::Formatted => "as it was put out, but for what formatters change".to_owned(),
        EvidenceKind::Layout if changed == 0 => "the same words on other lines".to_owned(),
        EvidenceKind::Layout => format!("the same words on other lines, {changed} % of them changed"),
        EvidenceKind::Similar => format!("{changed} % of its words changed since"),
        EvidenceKind::Block => "it stands within a block that was put out".to_owned(),
        EvidenceKind::Note => match &line.noted {
            Some(noted) => format!("a note on the commit names {}", noted.by),
            None => "a note on the commit says so".to_owned(),
        },
    };
    let form = evidence.form.map_or(String::new(), |form| format!(" ({})", form.as_str()));
    format!("{how}{form}, score {}", evidence.score)
}

/// A gap's code in words.
pub(super) fn gap_in_words(gap: &str) -> &str {
    match gap {
        OLDER => "it was committed before anything went on record (git blame names the commit)",
        "shallow" => "the clone is shallow and ends at this commit (git fetch --unshallow)",
        "missing" => "the file's object is missing from the repository",
        "binary" => "the file is binary",
        "lfs_pointer" => "Git LFS keeps the file elsewhere",
        "too_large" => "the file is too large",
        "submodule" => "it is another repository's commit",
        "symlink" => "it is a symbolic link",
        other => other,
    }
}
