//! Two tasks about one file, which may be of one conversation or of two: draft it; look at it again, where a person has
//! put in a line meanwhile, and change it, by an edit or by writing all of it anew. Another model answers the second task,
//! as a provider's name may stand for another one the next day.

use super::tools::{self, Deed};
use super::{AGENT_MODEL, Said, Turn, came_to, folder};
use crate::ToolCall;
use crate::conversation::Conversation;

/// Prompts with these want the tasks.
const DRAFT: &str = "Draft prices.py";
const EDIT: &str = "Edit prices.py";
const REWRITE: &str = "Rewrite prices.py";

/// The model that answers the second task.
const SECOND_MODEL: &str = "mock-agent-2026-02-02";

const FILE: &str = "prices.py";
const DRAFTED: &str = concat!(
    "RATES = {\n",
    "    \"Zürich\": 0.081,\n",
    "    'Bern': 0.077,\n",
    "}\n",
    "\n",
    "\n",
    "def total(prices, town):\n",
    "    \"\"\"What all of it costs there.\"\"\"\n",
    "    rate = RATES[town]\n",
    "    whole = sum(prices) * (1 + rate)\n",
    "    return round(whole, 2)\n",
    "\n",
    "\n",
    "def receipt(prices, town):\n",
    "    rows = [f\"{price:>8.2f}\\t`{town}`\" for price in prices]\n",
    "    rows.append(f\"{total(prices, town):>8.2f}\")\n",
    "\n",
    "    return \"\\n\".join(rows)\n",
);
/// The line that a person has put in meanwhile.
const TYPED: &str = "prices = [price for price in prices if price > 0]";
/// What changes, each line with its sign.
const HUNK: &str = concat!(
    "     rate = RATES[town]\n",
    "     prices = [price for price in prices if price > 0]\n",
    "-    whole = sum(prices) * (1 + rate)\n",
    "+    fee = 0.30 if len(prices) < 3 else 0.0\n",
    "+    whole = sum(prices) * (1 + rate) + fee\n",
    "     return round(whole, 2)\n",
);
const CLOSING: &str = "All done: prices.py has prices.";

/// Whether the conversation is about these tasks.
pub(super) fn is_asked(conversation: &Conversation) -> bool {
    [DRAFT, EDIT, REWRITE].iter().any(|prompt| conversation.asked.contains(prompt))
}

/// The next turn of the conversation.
pub(super) fn next(conversation: &Conversation) -> Result<Turn, String> {
    let asked = |prompt: &str| conversation.asked.contains(prompt);
    let folder = folder(&conversation.asked)?;
    let before = usize::from(asked(DRAFT));
    let done = conversation.results().saturating_sub(before);
    if conversation.results() > 0 && asked(DRAFT) {
        came_to(conversation, 0, "call_draft", "")?;
    }
    if asked(EDIT) {
        edit(conversation, folder, before, done)
    } else if asked(REWRITE) {
        rewrite(conversation, folder, before, done)
    } else {
        draft(conversation, folder)
    }
}

fn draft(conversation: &Conversation, folder: &str) -> Result<Turn, String> {
    match conversation.results() {
        0 => {
            let write = Deed::Write { folder, file: FILE, text: DRAFTED };
            calls(AGENT_MODEL, "drafts it", [tools::call(conversation, "call_draft", write)?])
        }
        1 => Ok(closes(AGENT_MODEL)),
        count => Err(format!("{count} tool results, of which the draft knows nothing")),
    }
}

/// Looks twice: Claude Code, whose conversation was left and taken up again, holds that a file it wrote itself is unchanged
/// and shows nothing of it.
fn edit(conversation: &Conversation, folder: &str, before: usize, done: usize) -> Result<Turn, String> {
    let command = format!("cat {folder}/{FILE}");
    match done {
        0 => calls(
            SECOND_MODEL,
            "looks at it",
            [
                tools::call(conversation, "call_show", Deed::Show { folder, file: FILE })?,
                tools::call(conversation, "call_look", Deed::Run { command: &command })?,
            ],
        ),
        2 => {
            came_to(conversation, before + 1, "call_look", TYPED)?;
            let edit = Deed::Edit { folder, file: FILE, hunk: HUNK };
            calls(SECOND_MODEL, "edits it", [tools::call(conversation, "call_edit", edit)?])
        }
        3 => {
            came_to(conversation, before + 2, "call_edit", "")?;
            Ok(closes(SECOND_MODEL))
        }
        count => Err(format!("{count} tool results, of which the edit knows nothing")),
    }
}

fn rewrite(conversation: &Conversation, folder: &str, before: usize, done: usize) -> Result<Turn, String> {
    match done {
        0 => {
            let show = Deed::Show { folder, file: FILE };
            calls(SECOND_MODEL, "looks at it", [tools::call(conversation, "call_show", show)?])
        }
        1 => {
            came_to(conversation, before, "call_show", TYPED)?;
            let text = changed()?;
            let write = Deed::Write { folder, file: FILE, text: &text };
            calls(SECOND_MODEL, "writes it anew", [tools::call(conversation, "call_rewrite", write)?])
        }
        2 => {
            came_to(conversation, before + 1, "call_rewrite", "")?;
            Ok(closes(SECOND_MODEL))
        }
        count => Err(format!("{count} tool results, of which the rewrite knows nothing")),
    }
}

fn calls<const COUNT: usize>(
    model: &'static str,
    told: &'static str,
    calls: [ToolCall; COUNT],
) -> Result<Turn, String> {
    Ok(Turn { said: Said::Calls(calls.into()), model, told })
}

fn closes(model: &'static str) -> Turn {
    Turn { said: Said::Text(CLOSING), model, told: "closes" }
}

/// The whole file after the change.
fn changed() -> Result<String, String> {
    let typed = format!("    {TYPED}\n    whole = ");
    let found = DRAFTED.replacen("    whole = ", &typed, 1);
    let (old, new) = tools::sides(HUNK);
    if !found.contains(&old) {
        return Err("the change does not fit the draft".to_owned());
    }
    Ok(found.replacen(&old, &new, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_change_fits_the_draft() {
        let changed = changed().unwrap();
        assert_eq!(changed.lines().count(), DRAFTED.lines().count() + 2);
        assert!(changed.contains("fee\n    return round"), "{changed}");
        let (old, new) = tools::narrowed(HUNK);
        let was = changed.replacen(&new, &old, 1);
        assert!(was != changed && was.contains(&tools::sides(HUNK).0), "{old} {new}");
        assert!(old.starts_with(" 0]\n") && old.ends_with("\n    ret"), "in the middle of lines: {old}");
    }
}
