//! `waymark why`: of a record, of a line, of a commit, of a range of commits.

mod change;
mod ladder;
mod line;
mod proof;
mod record;

use std::path::PathBuf;

use waymark_types::RecordId;

pub(in crate::commands) use change::tell;

use super::Outcome;
use crate::args::{Common, Why};
use crate::failure::{Failure, USAGE};

/// What is asked about.
#[derive(Debug, PartialEq, Eq)]
enum Subject {
    Record(RecordId),
    Line(PathBuf, u32),
    Range(String),
    Commit(String),
}

pub(crate) fn run(common: &Common, asked: &Why) -> Outcome {
    let subject = Subject::of(&asked.what);
    if asked.proof.is_some() && !matches!(subject, Subject::Record(_)) {
        return Err(Failure::new(USAGE, "--proof writes a record's proof: name a record"));
    }
    if asked.markdown && matches!(subject, Subject::Record(_) | Subject::Line(..)) {
        return Err(Failure::new(USAGE, "--markdown is for commits and ranges: name one, as main..HEAD"));
    }
    match subject {
        Subject::Record(record) => record::run(common, record, asked.proof.as_deref()),
        Subject::Line(path, number) => line::run(common, asked, &path, number),
        Subject::Range(range) => change::range(common, asked, &range),
        Subject::Commit(commit) => change::commit(common, asked, &commit),
    }
}

impl Subject {
    fn of(what: &str) -> Self {
        if let Ok(record) = what.parse() {
            return Self::Record(record);
        }
        let line = what.rsplit_once(':').filter(|(path, _)| !path.is_empty());
        if let Some((path, number)) = line.and_then(|(path, number)| Some((path, number.parse().ok()?))) {
            return Self::Line(path.into(), number);
        }
        // `..` within a path's name is no range: `a/../b` has no line to it, and is no commit either.
        if what.contains("..") && !what.contains("../") {
            return Self::Range(what.to_owned());
        }
        Self::Commit(what.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_told_by_its_form() {
        let id = "01a21d0f-6801-7bf1-9fda-000000000001";
        assert_eq!(Subject::of(id), Subject::Record(id.parse().unwrap()));
        assert_eq!(Subject::of("src/a b.rs:12"), Subject::Line("src/a b.rs".into(), 12));
        assert_eq!(Subject::of("C:\\a.rs:3"), Subject::Line("C:\\a.rs".into(), 3));
        assert_eq!(Subject::of("main..HEAD"), Subject::Range("main..HEAD".into()));
        assert_eq!(Subject::of("main...topic"), Subject::Range("main...topic".into()));
        assert_eq!(Subject::of("HEAD~2"), Subject::Commit("HEAD~2".into()));
        assert_eq!(Subject::of("v1.0"), Subject::Commit("v1.0".into()));
    }
}
