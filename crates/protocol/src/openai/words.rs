//! Words that OpenAI's two dialects of conversations share: efforts, and what the endings of files stand for.

use crate::neutral::Effort;

/// File endings and what they stand for; the first is the default.
const FILE_TYPES: [(&str, &str); 9] = [
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("md", "text/markdown"),
    ("csv", "text/csv"),
    ("html", "text/html"),
    ("json", "application/json"),
    ("xml", "application/xml"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
];

/// What a file of this name holds.
pub(crate) fn media_type(name: Option<&str>) -> &'static str {
    let ending = name.and_then(|name| name.rsplit_once('.')).map(|(_, ending)| ending.to_ascii_lowercase());
    let known = FILE_TYPES.iter().find(|(known, _)| ending.as_deref() == Some(known));
    known.map_or(FILE_TYPES[0].1, |(_, media_type)| media_type)
}

/// The ending of files that hold this.
pub(crate) fn ending(media_type: &str) -> Option<&'static str> {
    FILE_TYPES.iter().find(|(_, known)| *known == media_type).map(|(ending, _)| *ending)
}

/// The effort that a word stands for.
pub(crate) fn effort(word: &str) -> Option<Effort> {
    match word {
        "minimal" => Some(Effort::Minimal),
        "low" => Some(Effort::Low),
        "medium" => Some(Effort::Medium),
        "high" => Some(Effort::High),
        "xhigh" | "max" => Some(Effort::Max),
        _ => None,
    }
}

/// The word for an effort.
pub(crate) fn effort_word(effort: Effort) -> &'static str {
    match effort {
        Effort::Minimal => "minimal",
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::Max => "xhigh",
    }
}
