//! The trailer of a commit's message that names records: `Assisted-by: Waymark:<record id>`, a line each.
//!
//! It is for those who ask for it, and holds nothing but the id: the record knows the model, and whoever may ask the log
//! may know it too. The form is the Linux kernel's (Documentation/process/coding-assistants.rst), `Assisted-by:
//! AGENT_NAME:MODEL_VERSION [TOOL…]`, with the record where the version is. A second id on the line would read as a tool,
//! so each has a line of its own; both are read.
//!
//! Where trailers are, and where a new one goes, is as `git interpret-trailers` has it. What else a message holds stays
//! as it is, a hook's comments and what is below its scissors included.

use waymark_types::RecordId;

const KEY: &str = "Assisted-by";
const NAME: &str = "Waymark";
/// What git ends the message with when it shows the change below it.
const SCISSORS: &str = " ------------------------ >8 ------------------------";
/// Lines that git itself writes: where one of these is, a quarter of trailers is enough to be a block of them.
const BY_GIT: [&str; 2] = ["Signed-off-by: ", "(cherry picked from commit "];

/// The records that a commit's message names, in its order, each once.
pub fn records(message: &str) -> Vec<RecordId> {
    Message::new(message, "#").records()
}

/// The message with trailers for those of the records that it does not name yet. `comment` is what begins a comment
/// (`core.commentChar`). A message without text stays so: git takes an empty one for a change of mind.
pub fn add(message: &str, comment: &str, records: &[RecordId]) -> String {
    let found = Message::new(message, comment);
    let mut known = found.records();
    let mut trailers = String::new();
    for record in records {
        if !known.contains(record) {
            known.push(*record);
            trailers.push_str(&format!("{KEY}: {NAME}:{record}\n"));
        }
    }
    let text = &message[..found.end];
    if trailers.is_empty() || found.lines.iter().all(|line| is_blank(line) || found.is_comment(line)) {
        return message.to_owned();
    }
    let line_end = if text.ends_with('\n') { "" } else { "\n" };
    let is_apart = found.trailers.is_some() || found.lines.last().is_some_and(|line| is_blank(line));
    let blank = if is_apart { "" } else { "\n" };
    format!("{text}{line_end}{blank}{trailers}{}", &message[found.end..])
}

/// A message, taken apart.
struct Message<'a> {
    comment: &'a str,
    /// Where its text ends, in bytes: what follows are comments, blank lines and what git shows.
    end: usize,
    /// The text's lines.
    lines: Vec<&'a str>,
    /// The first line of its trailers.
    trailers: Option<usize>,
}

impl<'a> Message<'a> {
    fn new(message: &'a str, comment: &'a str) -> Self {
        let mut found = Self { comment, end: 0, lines: Vec::new(), trailers: None };
        let (mut at, mut in_conflicts, mut count) = (0, false, 0);
        for line in message.split_inclusive('\n') {
            if found.is_scissors(line) {
                break;
            }
            at += line.len();
            found.lines.push(line);
            let opens_conflicts = line.trim_end_matches('\n') == "Conflicts:";
            in_conflicts |= opens_conflicts;
            let is_in_conflicts = opens_conflicts || (in_conflicts && line.starts_with('\t'));
            if !found.is_comment(line) && line != "\n" && !is_in_conflicts {
                (found.end, count, in_conflicts) = (at, found.lines.len(), false);
            }
        }
        found.lines.truncate(count);
        found.trailers = found.block();
        if found.trailers.is_some() {
            // Lines of nothing but space would part what follows from the trailers.
            let count = found.lines.iter().rposition(|line| !is_blank(line)).map_or(0, |last| last + 1);
            found.lines.truncate(count);
            found.end = found.lines.iter().map(|line| line.len()).sum();
        }
        found
    }

    fn is_comment(&self, line: &str) -> bool {
        !self.comment.is_empty() && line.starts_with(self.comment)
    }

    fn is_scissors(&self, line: &str) -> bool {
        line.strip_prefix(self.comment).is_some_and(|rest| rest.trim_end() == SCISSORS)
    }

    /// Finds the trailers: the last paragraph, if it is none but the title, and is made of trailers alone, or of a
    /// quarter at least with one of git's own among them.
    fn block(&self) -> Option<usize> {
        let title = self.lines.iter().position(|line| !self.is_comment(line) && is_blank(line))?;
        let (mut trailers, mut others, mut folded, mut by_git) = (0_usize, 0_usize, 0_usize, false);
        let mut is_end = true;
        for (at, line) in self.lines.iter().enumerate().skip(title).rev() {
            if self.is_comment(line) {
                others += std::mem::take(&mut folded);
                continue;
            }
            if is_blank(line) {
                if is_end {
                    continue;
                }
                others += folded;
                let is_block = (by_git && trailers * 3 >= others) || (trailers > 0 && others == 0);
                return is_block.then_some(at + 1);
            }
            is_end = false;
            let is_by_git = BY_GIT.iter().any(|beginning| line.starts_with(beginning));
            if is_by_git || key(line).is_some() {
                trailers += 1;
                by_git |= is_by_git;
                folded = 0;
            } else if line.starts_with(is_space) {
                folded += 1;
            } else {
                others += 1 + std::mem::take(&mut folded);
            }
        }
        None
    }

    fn records(&self) -> Vec<RecordId> {
        let Some(first) = self.trailers else { return Vec::new() };
        let mut values: Vec<String> = Vec::new();
        // Whether a line that is folded belongs to the last of the values.
        let mut is_ours = false;
        for line in self.lines[first..].iter().filter(|line| !self.is_comment(line)) {
            if let Some((key, value)) = key(line) {
                is_ours = key.eq_ignore_ascii_case(KEY);
                if is_ours {
                    values.push(value.to_owned());
                }
            } else if line.starts_with(is_space) {
                if let Some(value) = values.last_mut().filter(|_| is_ours) {
                    value.push_str(line);
                }
            } else {
                is_ours = false;
            }
        }
        let mut records = Vec::new();
        for record in values.iter().flat_map(|value| named(value)) {
            if !records.contains(&record) {
                records.push(record);
            }
        }
        records
    }
}

/// The records in a trailer's value: ids, the first after our name.
fn named(value: &str) -> impl Iterator<Item = RecordId> {
    let mut words = value.split_whitespace().peekable();
    let is_ours = words.peek().is_some_and(|word| after_name(word).is_some());
    words.filter(move |_| is_ours).filter_map(|word| after_name(word).unwrap_or(word).parse().ok())
}

fn after_name(word: &str) -> Option<&str> {
    let (name, id) = word.split_once(':')?;
    name.eq_ignore_ascii_case(NAME).then_some(id)
}

/// A trailer's key and value: letters, digits and hyphens, maybe space, a colon, and the rest.
fn key(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(':')?;
    let name = key.trim_end_matches([' ', '\t']);
    let is_key = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_key.then_some((name, value))
}

fn is_blank(line: &str) -> bool {
    line.chars().all(is_space)
}

/// What git takes for space.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

#[cfg(test)]
mod tests;
