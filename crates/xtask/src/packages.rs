//! Debian packages whose programs a suite needs.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;

/// What the Rust tests stand on, and what shows that it is there.
const TESTS: &[(&str, Trace)] = &[
    ("golang-go", Trace::Program("go", "version")),
    ("golang-golang-x-mod-dev", Trace::File("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog/tlog.go")),
    ("postgresql", Trace::InSome("/usr/lib/postgresql", "bin/initdb")),
];

/// What an installed package leaves behind.
enum Trace {
    /// A program that is found by its name, and an argument with which it ends well.
    Program(&'static str, &'static str),
    /// A file.
    File(&'static str),
    /// A file below some folder, a version's, of a folder.
    InSome(&'static str, &'static str),
}

impl Trace {
    fn is_there(&self) -> bool {
        match self {
            Self::Program(name, argument) => process::succeeds(Command::new(name).arg(argument)),
            Self::File(path) => Path::new(path).exists(),
            Self::InSome(folder, below) => std::fs::read_dir(folder)
                .is_ok_and(|folders| folders.flatten().any(|folder| folder.path().join(below).exists())),
        }
    }
}

/// Installs what the Rust tests need and lack.
pub(crate) fn for_tests() -> Result<()> {
    let missing: Vec<_> =
        TESTS.iter().filter(|(_, trace)| !trace.is_there()).map(|(package, _)| *package).collect();
    install("the Rust tests", &missing)
}

/// Installs the packages that are missing; where that is not possible the error names them.
pub(crate) fn install(suite: &str, missing: &[&str]) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    println!("    installing {}", missing.join(", "));
    let install = || -> Result<()> {
        process::run(apt()?.arg("update"))?;
        process::run(apt()?.args(["install", "--yes", "--no-install-recommends"]).args(missing))
    };
    install().with_context(|| format!("{suite} needs {}: install them", missing.join(", ")))
}

/// apt-get, through sudo unless root.
fn apt() -> Result<Command> {
    let is_root = process::output(Command::new("id").arg("-u"))?.trim() == "0";
    let mut command = if is_root {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["--non-interactive", "apt-get"]);
        sudo
    };
    command.arg("--quiet").env("DEBIAN_FRONTEND", "noninteractive");
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_are_found_where_they_are() {
        const CRATES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        assert!(Trace::File(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).is_there());
        assert!(Trace::InSome(CRATES, "src/packages.rs").is_there());
        assert!(Trace::Program("git", "--version").is_there());
        assert!(!Trace::InSome(CRATES, "src/nothing.rs").is_there());
        assert!(!Trace::InSome("nowhere", "src").is_there());
        assert!(!Trace::Program("no-such-program", "version").is_there());
    }
}
