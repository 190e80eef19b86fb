//! `waymark report`

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use waymark_gateway::attribution::Told;

use super::attribution::{failed, open, refresh};
use super::why::tell;
use super::{Outcome, block_on};
use crate::args::{Common, Provenance};
use crate::terminal::progress;

/// `waymark report provenance`: a whole repository at a revision.
pub(crate) fn provenance(common: &Common, asked: &Provenance) -> Outcome {
    let folder = asked.repo.as_deref().unwrap_or(Path::new("."));
    let report = block_on(async {
        let mut attribution = open(common, folder).await?;
        refresh(&attribution);
        let bar = progress(0, "attributing {bar:30} {human_pos}/{human_len} files ({eta} left)");
        let report = attribution
            .report(&asked.rev, asked.afresh, &mut |done, all| {
                bar.set_length(all);
                bar.set_position(done);
            })
            .await;
        bar.finish_and_clear();
        report.map_err(|error| failed(&error))
    })?;
    if common.json {
        let mut stdout = io::BufWriter::new(io::stdout().lock());
        serde_json::to_writer(&mut stdout, &report).map_err(io::Error::from)?;
        writeln!(stdout)?;
        stdout.flush()?;
    } else if asked.markdown {
        write!(io::stdout(), "{}", report.summary.to_markdown())?;
    } else {
        tell(&Told { summary: report.summary, gaps: report.gaps })?;
    }
    Ok(ExitCode::SUCCESS)
}
