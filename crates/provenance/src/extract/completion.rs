//! A completion at a cursor, as whole lines.

use super::shown::{mark, once};
use super::{LONGEST_LINE, MOST, around, cut, lines, paths};
use crate::{Form, Role, Written};

/// A completion at a cursor (fill in the middle): the first line is joined to what stands before it on its line, the last to
/// what follows on its line. A line to which it adds nothing but white space was there before.
///
/// What stands before and after it goes with it, a few lines of each. A prompt without a path may say it in the comments it
/// begins with, the last one of several: `// Path: src/a.rs`. Nothing where it adds nothing.
pub fn completion(path: Option<&str>, prefix: &str, text: &str, suffix: &str) -> Option<Written> {
    let text = cut(text, MOST);
    let before = prefix.rsplit('\n').next().unwrap_or_default();
    let after = suffix.split('\n').next().unwrap_or_default();
    let after = after.strip_suffix('\r').unwrap_or(after);
    let own: Vec<&str> = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
    let last = own.len() - 1;
    let whole = own.iter().enumerate().map(|(at, line)| {
        let before = if at == 0 { before } else { "" };
        let after = if at == last { after } else { "" };
        let is_old = line.trim().is_empty() && !(before.is_empty() && after.is_empty());
        let role = if is_old { Role::Context } else { Role::Added };
        lines::line(role, &format!("{before}{line}{after}"))
    });
    let mut whole: Vec<_> = whole.collect();
    // What ends with a line break and has nothing after it adds no line.
    if last > 0 && whole.last().is_some_and(|line| line.text.is_empty()) {
        whole.pop();
    }
    whole.retain(|line| line.text.len() <= LONGEST_LINE);
    let adds = whole.iter().any(|line| line.role == Role::Added && !line.text.trim().is_empty());
    adds.then(|| {
        let path = path.or_else(|| said(prefix)).map(str::to_owned);
        let mut written =
            Written { path, form: Form::Completion, lines: whole, everywhere: false, seen: false };
        let once = once(prefix.split('\n').chain(suffix.split('\n')).map(mark));
        around::put_around(&mut written, unended(prefix.rsplit('\n')), unended(suffix.split('\n')), &once);
        written
    })
}

/// The path that the last of the comments at the beginning says which are only there to say one.
fn said(prefix: &str) -> Option<&str> {
    let comments = prefix.lines().take_while(|line| line.trim().is_empty() || paths::is_comment(line));
    let said = |line| paths::in_comment(line).filter(|(_, is_said)| *is_said);
    comments.filter_map(said).last().map(|(path, _)| path)
}

/// The lines behind the cursor's own, without what is left of their ends.
fn unended<'t>(lines: impl Iterator<Item = &'t str>) -> impl Iterator<Item = &'t str> {
    lines.skip(1).map(|line| line.strip_suffix('\r').unwrap_or(line))
}
