//! Where a copied line rest meets what is already at the cursor.

use crate::buffer::Buffer;
use crate::candidates::Site;
use crate::document::NEWLINE;

/// The text to insert so that the cursor's line goes on like the copy's; nothing when the two do not fit together.
/// `end` is the token after the copied line's last.
pub(crate) fn insertion<'a>(site: &Site<'a>, end: usize, buffer: &Buffer<'_>) -> Option<&'a str> {
    if end == site.token {
        return Some("");
    }
    let text = site.lexed.text();
    let token = site.lexed.start(site.token);
    let from = if site.typed > 0 {
        token + site.typed
    } else {
        let before = site.token.checked_sub(1).filter(|&before| site.numbers[before] != NEWLINE);
        let after_before = before.map_or(token, |before| site.lexed.end(before));
        match (buffer.line_tokens > 0, buffer.blank_before) {
            // Where the copy has no blank, the user's blank says that this is another line.
            (true, true) if before.is_some() && after_before == token => return None,
            (true, false) => after_before,
            _ => token,
        }
    };
    without_rest(&text[from..site.lexed.end(end - 1)], buffer.rest)
}

/// Cuts off what the cursor's line already has behind the cursor; nothing when the two lines do not agree on it.
fn without_rest<'a>(text: &'a str, rest: &str) -> Option<&'a str> {
    let Some(first) = rest.chars().next() else {
        return Some(text);
    };
    if matches!(first, ')' | ']' | '}') {
        return unmatched_closer(text, first).map(|at| &text[..at]);
    }
    if let Some(at) = text.rfind(rest) {
        return Some(&text[..at]);
    }
    let boundaries = text.char_indices().map(|(at, _)| at);
    let overlap = boundaries.into_iter().find(|&at| rest.starts_with(&text[at..]));
    overlap.map(|at| &text[..at])
}

/// Where a text closes a bracket it did not open.
fn unmatched_closer(text: &str, closer: char) -> Option<usize> {
    let mut open = 0usize;
    for (at, character) in text.char_indices() {
        match character {
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' if open > 0 => open -= 1,
            ')' | ']' | '}' => return (character == closer).then_some(at),
            _ => {}
        }
    }
    None
}

/// Names a text by everything but its blanks.
pub(crate) fn spelling(text: &str) -> u64 {
    text.bytes().filter(|byte| !byte.is_ascii_whitespace()).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_line_already_has_is_cut_off() {
        assert_eq!(without_rest("a, b);", ""), Some("a, b);"));
        assert_eq!(without_rest("a, f(b));", ")"), Some("a, f(b)"));
        assert_eq!(without_rest("a, b);", ");"), Some("a, b"));
        assert_eq!(without_rest("name\",", "\""), Some("name"));
        assert_eq!(without_rest("a = 1;", ";"), Some("a = 1"));
        assert_eq!(without_rest("len() + x", "+ x;"), Some("len() "));
        assert_eq!(without_rest("a, b", ")"), None);
        assert_eq!(without_rest("other", "+ x"), None);
    }

    #[test]
    fn spelling_ignores_blanks_only() {
        assert_eq!(spelling("a, b"), spelling(" a,b "));
        assert_ne!(spelling("a, b"), spelling("a. b"));
    }
}
