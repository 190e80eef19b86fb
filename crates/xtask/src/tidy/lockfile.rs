//! Dependencies stay few, come from one place, and some are never built.

use anyhow::Result;

use super::{Finding, SourceFile};
use crate::process;
use crate::workspace::{Workspace, cargo};

const LOCK: &str = "Cargo.lock";
const MOST_PACKAGES: usize = 420;

/// Crates that are not built, and what to use instead.
const BANNED: &[(&str, &str)] = &[
    ("ring", "aws-lc-rs"),
    ("openssl-sys", "rustls"),
    ("native-tls", "rustls"),
    ("rusqlite", "sqlx: both link sqlite3"),
    ("chrono", "jiff"),
];

/// Checks the lock file, and what cargo would build here.
///
/// The lock file also names packages that no feature of ours turns on, so bans go by what is built.
pub(crate) fn check(workspace: &Workspace, files: &[SourceFile]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    if let Some(lock) = files.iter().find(|file| file.path == LOCK) {
        findings.extend(locked(&lock.text));
    } else {
        findings.push(Finding::new(LOCK, "commit it: builds are reproducible"));
    }
    let mut tree =
        cargo(&["tree", "--workspace", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"]);
    findings.extend(built(&process::output(tree.current_dir(&workspace.root))?));
    Ok(findings)
}

fn locked(text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let packages = text.lines().filter(|line| *line == "[[package]]").count();
    if packages > MOST_PACKAGES {
        let advice = format!("{packages} packages, at most {MOST_PACKAGES}: drop a dependency or a feature");
        findings.push(Finding::new(LOCK, advice));
    }
    let sources = text.lines().enumerate().filter(|(_, line)| line.starts_with("source = \"git+"));
    findings.extend(sources.map(|(number, _)| {
        Finding::new(format!("{LOCK}:{}", number + 1), "a git dependency: use a released version")
    }));
    findings
}

fn built(tree: &str) -> Vec<Finding> {
    let is_built = |name: &str| tree.lines().any(|line| line.split(' ').next() == Some(name));
    BANNED
        .iter()
        .filter(|(name, _)| is_built(name))
        .map(|(name, instead)| {
            Finding::new(
                "Cargo.toml",
                format!("`{name}` is built (cargo tree --invert {name}): use {instead}"),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_packages_and_git_sources_are_found() {
        let many = "[[package]]\nname = \"x\"\n".repeat(MOST_PACKAGES + 1);
        assert_eq!(locked(&many).len(), 1);
        assert_eq!(locked("[[package]]\nsource = \"git+https://example.com/x\"\n").len(), 1);
        assert_eq!(locked("[[package]]\nname = \"x\"\n"), []);
    }

    #[test]
    fn what_is_banned_is_found_by_its_whole_name() {
        assert_eq!(built("serde v1.0.0\nring v0.17.14\n").len(), 1);
        assert_eq!(built("stringer v1.0.0 (ring)\n"), []);
    }
}
