//! Blocks that say what to search and what to put there: aider's, Cline's, Roo's, and Zed's tags.
//!
//! ```text
//! src/a.rs
//! <<<<<<< SEARCH          ------- SEARCH
//! what is there           what is there
//! =======                 =======
//! what is to be there     what is to be there
//! >>>>>>> REPLACE         +++++++ REPLACE
//! ```
//!
//! Conflict marks of git look alike; they say a branch where these say `SEARCH` and `REPLACE`.

use super::paths;
use super::piece::Piece;
use crate::Form;

/// How far above a block its path may stand.
const ABOVE: usize = 4;

/// Whether the line begins a block.
pub(super) fn begins(line: &str) -> bool {
    let line = line.trim();
    ["SEARCH", "ORIGINAL"].iter().any(|word| {
        sign(line, ['<', '-']).is_some_and(|rest| {
            // Zed says which line, Cline's models close a tag that is none.
            let rest = rest.trim_start().strip_prefix(word);
            rest.is_some_and(|rest| rest.is_empty() || rest == ">" || rest.starts_with([' ', ':']))
        })
    })
}

/// Whether the line ends a block.
pub(super) fn ends(line: &str) -> bool {
    let line = line.trim();
    sign(line, ['>', '+'])
        .is_some_and(|rest| ["REPLACE", "UPDATED"].contains(&rest.trim().trim_end_matches('>')))
}

fn divides(line: &str) -> bool {
    sign(line.trim_end(), ['=', '=']).is_some_and(str::is_empty)
}

/// What follows a run of one of the signs.
fn sign(line: &str, signs: [char; 2]) -> Option<&str> {
    let first = line.chars().next().filter(|first| signs.contains(first))?;
    let rest = line.trim_start_matches(first);
    (5..=9).contains(&(line.len() - rest.len())).then_some(rest)
}

/// Whether a block is in the lines.
pub(super) fn is_in(lines: &[&str]) -> bool {
    lines.iter().any(|line| begins(line))
}

/// The blocks in the lines, in order. What stands above one may name its file; the first may be of the one at `path`.
pub(super) fn read(lines: &[&str], path: Option<&str>) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        if !begins(lines[at]) {
            at += 1;
            continue;
        }
        let above = path_above(&lines[..at]);
        let before = pieces.last().and_then(Piece::path).or(path).map(str::to_owned);
        let (piece, taken) = one(&lines[at..], above.map(str::to_owned).or(before));
        pieces.extend(piece);
        at += taken;
    }
    pieces
}

/// The block that begins with the first line, and how many lines it takes. One without its middle is none.
pub(super) fn one(lines: &[&str], path: Option<String>) -> (Option<Piece>, usize) {
    let until = |from: usize, is: fn(&str) -> bool| {
        lines[from..].iter().position(|line| is(line)).map(|more| from + more)
    };
    let from = 1 + notes(&lines[1..]);
    // Another mark before the middle: this was none.
    let middle = until(from, |line| divides(line) || begins(line) || ends(line));
    let Some(middle) = middle.filter(|at| divides(lines[*at])) else { return (None, 1) };
    let end = until(middle, ends).unwrap_or(lines.len());
    let text = |lines: &[&str]| lines.iter().flat_map(|line| [line, "\n"]).collect::<String>();
    let (old, new) = (text(&lines[from..middle]), text(&lines[middle + 1..end]));
    let piece = Piece::Swap { path, form: Form::EditBlock, old, new, everywhere: false };
    (Some(piece), (end + 1).min(lines.len()))
}

/// How many lines Roo puts first, to say where to search.
fn notes(lines: &[&str]) -> usize {
    let is_note = |line: &&&str| line.starts_with(":start_line:") || line.starts_with(":end_line:");
    let count = lines.iter().take_while(is_note).count();
    let has_rule = count > 0 && lines.get(count).is_some_and(|line| line.trim() == "-------");
    if has_rule { count + 1 } else { count }
}

/// The path that the last lines say, if they say nothing else. A fence may open between.
pub(super) fn path_above<'l>(lines: &[&'l str]) -> Option<&'l str> {
    let said = |line: &&&str| !line.trim().is_empty() && !line.trim_start().starts_with("```");
    let line = lines.iter().rev().take(ABOVE).find(said)?;
    (!ends(line)).then(|| paths::alone(line)).flatten()
}
