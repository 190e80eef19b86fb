//! `waymark blame PATH`

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use waymark_gateway::attribution::{Blamed, BlamedLine, OLDER};
use waymark_provenance::Class;

use super::attribution::{failed, folder_of, open, style};
use super::{Outcome, block_on};
use crate::args::{Blame, Common};
use crate::terminal::{DIM, short};

/// Columns that a model's name is given.
const MODEL: usize = 24;

pub(crate) fn run(common: &Common, asked: &Blame) -> Outcome {
    let path = located(asked.repo.as_deref(), &asked.path);
    let folder = asked.repo.clone().unwrap_or_else(|| folder_of(&path));
    let blamed = block_on(async {
        let mut attribution = open(common, &folder).await?;
        attribution
            .blame(&path, asked.rev.as_deref(), asked.lines.clone())
            .await
            .map_err(|error| failed(&error))
    })?;
    if common.json {
        let mut stdout = io::BufWriter::new(io::stdout().lock());
        serde_json::to_writer(&mut stdout, &blamed).map_err(io::Error::from)?;
        writeln!(stdout)?;
        stdout.flush()?;
    } else {
        tell(&blamed)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A path as it was typed, from where commands run.
pub(super) fn located(repo: Option<&Path>, path: &Path) -> std::path::PathBuf {
    repo.map_or_else(|| path.to_owned(), |repo| repo.join(path))
}

fn tell(blamed: &Blamed) -> io::Result<()> {
    let mut out = io::BufWriter::new(anstream::stdout().lock());
    let digits = blamed.lines.last().map_or(1, |line| line.number.to_string().len());
    for line in &blamed.lines {
        let (style, class) = (style(line.class), line.class);
        let commit = match (&line.commit, line.gap) {
            (Some(commit), _) => short(commit),
            (None, Some(OLDER)) => "older",
            (None, _) => "uncommitted",
        };
        let model = cut(&who(blamed, line));
        writeln!(
            out,
            "{DIM}{commit:<11}{DIM:#} {style}{class:<11}{style:#} {model:<MODEL$} {DIM}{:>digits$}{DIM:#} {}",
            line.number, line.text
        )?;
    }
    out.flush()
}

/// The model behind a line, or the person.
fn who(blamed: &Blamed, line: &BlamedLine) -> String {
    let record = line.record.and_then(|record| blamed.records.get(&record));
    let model = record.and_then(|record| record.model().map(str::to_owned));
    let noted = || line.noted.as_ref().map(|noted| noted.model.clone().unwrap_or_else(|| noted.by.clone()));
    let several = if line.others.is_empty() { "" } else { " or another" };
    match model.or_else(noted) {
        Some(model) => format!("{model}{several}"),
        None if line.class == Class::Unknown => String::new(),
        None if line.class == Class::Human => "typed".to_owned(),
        None => "a model that is not named".to_owned(),
    }
}

fn cut(text: &str) -> String {
    match text.chars().count() > MODEL {
        true => text.chars().take(MODEL - 1).chain(['…']).collect(),
        false => text.to_owned(),
    }
}
