//! What a commit, or a range of commits, is made of.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use waymark_gateway::attribution::Told;
use waymark_provenance::Class;
use waymark_provenance::formats::Summary;

use super::super::attribution::{failed, gap_in_words, open, style};
use super::super::{Outcome, block_on};
use crate::args::{Common, Why};
use crate::failure::Failure;
use crate::terminal::{BOLD, DIM, counted, grouped, progress};

pub(super) fn commit(common: &Common, asked: &Why, revision: &str) -> Outcome {
    let told = block_on(async {
        let mut attribution = open(common, &folder(asked)).await?;
        let commit = attribution.repository().resolve(revision).map_err(|error| {
            let failure = failed(&error.into());
            failure.hint("name a record, PATH:LINE, a commit, or a range as main..HEAD")
        })?;
        attribution.commit_told(&commit, &mut |_| ()).await.map_err(|error| failed(&error))
    })?;
    show(common, asked, &told)
}

pub(super) fn range(common: &Common, asked: &Why, range: &str) -> Outcome {
    let told = block_on(async {
        let mut attribution = open(common, &folder(asked)).await?;
        let bar = progress(0, "attributing {bar:30} {human_pos}/{human_len} files");
        let told = attribution
            .range_told(range, &mut |done, all| {
                bar.set_length(all);
                bar.set_position(done);
            })
            .await;
        bar.finish_and_clear();
        told.map_err(|error| failed(&error))
    })?;
    show(common, asked, &told)
}

fn folder(asked: &Why) -> PathBuf {
    asked.repo.clone().unwrap_or_else(|| ".".into())
}

fn show(common: &Common, asked: &Why, told: &Told) -> Outcome {
    if common.json {
        let mut stdout = io::stdout().lock();
        serde_json::to_writer_pretty(&mut stdout, told).map_err(io::Error::from)?;
        writeln!(stdout)?;
    } else if asked.markdown {
        write!(io::stdout(), "{}", told.summary.to_markdown())?;
    } else {
        tell(told)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Tells a summary, as a table.
pub(in crate::commands) fn tell(told: &Told) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    let summary = &told.summary;
    let (lines, all) = (summary.lines(), summary.lines().total());
    writeln!(
        out,
        "{BOLD}{} in {}{BOLD:#} of {}",
        counted(all, "line"),
        counted(summary.files().len() as u64, "file"),
        counted(summary.commits().len() as u64, "commit")
    )?;
    for class in Class::ALL {
        let (style, count) = (style(class), lines.of(class));
        let share = (100 * count).checked_div(all).unwrap_or_default();
        let remark = if class == Class::Unknown && count > 0 { "  (which is not human)" } else { "" };
        writeln!(
            out,
            "  {style}{class:<12}{style:#}{:>12} {share:>4} %{DIM}{remark}{DIM:#}",
            grouped(count)
        )?;
    }
    models(summary, &mut out)?;
    for (path, gap) in &told.gaps {
        writeln!(out, "  {DIM}left out  {DIM:#}{path}: {}", gap_in_words(gap))?;
    }
    Ok(())
}

fn models(summary: &Summary, out: &mut dyn io::Write) -> io::Result<()> {
    for group in summary.models() {
        let (style, class) = (style(group.class), group.class);
        let model = group.served_model.as_deref().unwrap_or("a model that is not named");
        let route = group.route.as_deref().map_or(String::new(), |route| format!(" by {route}"));
        writeln!(out, "  {style}{class:<12}{style:#}{:>12}  {model}{route}", grouped(group.lines))?;
        for record in &group.records {
            writeln!(out, "  {DIM}{:<26}record {record}{DIM:#}", "")?;
        }
    }
    Ok(())
}
