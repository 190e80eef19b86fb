//! The hooks' files: ours stand in front of those that are there, and going, leave them as they were.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use super::super::Outcome;
use crate::args::Common;
use crate::failure::{CHECK_FAILED, Failure, UNREACHABLE, talk, unwritten};

/// What our files say of themselves.
const MARK: &str = "# Written by `waymark hook install`; `waymark hook uninstall` takes it back.";
/// What a hook that was there is called meanwhile.
const BEFORE: &str = "before-waymark";
/// Hooks that write notes; and the one that writes trailers.
const NOTES: [&str; 3] = ["post-commit", "post-merge", "post-rewrite"];
const TRAILER: &str = "prepare-commit-msg";

pub(super) fn install(common: &Common, repo: &Path, trailer: bool) -> Outcome {
    let folder = folder(repo)?;
    fs::create_dir_all(&folder).map_err(unwritten(&folder))?;
    let program = std::env::current_exe()?;
    let mut options = Vec::new();
    for (flag, path) in [("--data-dir", &common.data_dir), ("--config", &common.config)] {
        if let Some(path) = path {
            options.push(format!("{flag} {}", quoted(&std::path::absolute(path)?)));
        }
    }
    let hooks = NOTES.into_iter().chain(trailer.then_some(TRAILER));
    let mut out = io::stdout().lock();
    for hook in hooks {
        let path = folder.join(hook);
        if path.exists() && !is_ours(&path) {
            let aside = path.with_added_extension(BEFORE);
            if aside.exists() {
                let message = format!("{} and {} are both there", path.display(), aside.display());
                return Err(Failure::new(CHECK_FAILED, message).hint("put one of them away first"));
            }
            fs::rename(&path, &aside).map_err(unwritten(&path))?;
        }
        fs::write(&path, script(hook, &program, &options)).map_err(unwritten(&path))?;
        executable(&path)?;
        writeln!(out, "{}", path.display())?;
    }
    talk(
        "commits made from now on get a note in refs/notes/ai; `waymark attribute` gives one to those before",
    );
    Ok(ExitCode::SUCCESS)
}

pub(super) fn uninstall(repo: &Path) -> Outcome {
    let folder = folder(repo)?;
    let mut out = io::stdout().lock();
    for hook in NOTES.into_iter().chain([TRAILER]) {
        let path = folder.join(hook);
        if !is_ours(&path) {
            continue;
        }
        fs::remove_file(&path).map_err(unwritten(&path))?;
        let aside = path.with_added_extension(BEFORE);
        if aside.exists() {
            fs::rename(&aside, &path).map_err(unwritten(&path))?;
        }
        writeln!(out, "{}", path.display())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Where the repository has its hooks.
fn folder(repo: &Path) -> Result<PathBuf, Failure> {
    let output = Command::new("git")
        .arg("-C")
        .arg(repo)
        .args(["rev-parse", "--path-format=absolute", "--git-path", "hooks"])
        .output()
        .map_err(|error| {
            Failure::new(UNREACHABLE, format!("could not run git: {error}")).hint("install git")
        })?;
    if !output.status.success() {
        return Err(Failure::new(UNREACHABLE, format!("{} is in no git repository", repo.display())));
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim_end_matches('\n')))
}

fn is_ours(path: &Path) -> bool {
    fs::read_to_string(path).is_ok_and(|text| text.contains(MARK))
}

/// A hook that asks the one before it first, and never fails on our account.
fn script(hook: &str, program: &Path, options: &[String]) -> String {
    let ours = format!("{} {} hook run {hook} \"$@\"", quoted(program), options.join(" "));
    let before = format!("\"$(dirname \"$0\")/{hook}.{BEFORE}\"");
    let body = match hook {
        // Git tells it which commits became which on its standard input.
        "post-rewrite" => format!(
            "told=$(cat)\nif [ -x {before} ]; then printf '%s\\n' \"$told\" | {before} \"$@\" || exit $?; fi\n\
             printf '%s\\n' \"$told\" | {ours} || :\n"
        ),
        _ => format!("if [ -x {before} ]; then {before} \"$@\" || exit $?; fi\n{ours} || :\n"),
    };
    format!("#!/bin/sh\n{MARK}\n{body}")
}

/// A path for the shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "'\\''"))
}

#[cfg(unix)]
fn executable(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).map_err(unwritten(path))
}

#[cfg(not(unix))]
fn executable(_: &Path) -> Result<(), Failure> {
    Ok(())
}
