//! Lines that say nothing of their own, blank ones and those of signs alone: they follow the block they stand within.

use super::align::Chain;
use super::claim::{Claim, Claims};
use super::{EvidenceKind, File, Source};

/// Gives blank lines and lines of signs to the emission whose lines stand on both sides of them.
pub(super) fn block(file: &File<'_>, laid: &[(Source<'_>, Chain)], claims: &mut Claims) {
    let says_nothing = |line: usize| file.lines[line].blank || file.lines[line].fingerprint.words.is_empty();
    let mut line = 0;
    while line < file.lines.len() {
        let is_open =
            |line: usize| file.lines[line].added && claims.settled[line].is_none() && says_nothing(line);
        if !is_open(line) {
            line += 1;
            continue;
        }
        let end = (line..file.lines.len()).find(|line| !is_open(*line)).unwrap_or(file.lines.len());
        let before = line.checked_sub(1).and_then(|before| claims.settled[before]);
        let after = claims.settled.get(end).copied().flatten();
        if let (Some(before), Some(after)) = (before, after)
            && (before.number, before.emission) == (after.number, after.emission)
        {
            let only_blank = (line..end).all(|line| file.lines[line].blank);
            let changed = before.changed.max(after.changed);
            let is_whole = before.kind == EvidenceKind::Exact && after.kind == EvidenceKind::Exact;
            let was_there = !is_whole || (only_blank && has_gap(laid, &before, &after));
            if was_there {
                for line in line..end {
                    let changed = if is_whole { 0 } else { changed.max(1) };
                    let claim = Claim { kind: EvidenceKind::Block, changed, ..before };
                    claims.settled[line] = Some(claim);
                }
            }
        }
        line = end;
    }
}

/// Whether the emission itself has the two lines one after the other, with a blank line between.
fn has_gap(laid: &[(Source<'_>, Chain)], before: &Claim, after: &Claim) -> bool {
    let is_it = |source: &Source<'_>| (source.number, source.identity()) == (before.number, before.emission);
    let Some((source, chain)) = laid.iter().find(|(source, _)| is_it(source)) else { return false };
    after.at == before.at + 1 && chain.line(source, after.at).after_blank
}
