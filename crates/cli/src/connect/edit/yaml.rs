//! The outline of a YAML file: its top-level keys and where a list begins. A parser reads it, nothing is written
//! from what it read.

use saphyr_parser::{Event, Parser, Span};

use super::EditError;

/// What stands at a document's top level.
pub(super) struct Outline {
    /// Keys, in order.
    pub(super) keys: Vec<String>,
    /// For each key, its line and the event its value begins with.
    values: Vec<(usize, Value)>,
}

enum Value {
    List { first_line: Option<usize> },
    Other,
}

/// Reads the outline; refuses what is no YAML and what is more than one plain document of keys.
pub(super) fn outline(text: &str) -> Result<Outline, EditError> {
    let events = events(text)?;
    let mut outline = Outline { keys: Vec::new(), values: Vec::new() };
    let (mut depth, mut documents, mut expects_key) = (0_usize, 0, true);
    for (index, (event, span)) in events.iter().enumerate() {
        let is_top = depth == 1;
        match event {
            Event::DocumentStart(_) => documents += 1,
            Event::DocumentEnd if text.lines().any(|line| line.trim_end() == "...") => {
                return Err(EditError::NotSafe("it ends its document with `...`".to_owned()));
            }
            Event::MappingStart(..) | Event::SequenceStart(..) => depth += 1,
            Event::MappingEnd | Event::SequenceEnd => depth = depth.saturating_sub(1),
            _ => {}
        }
        let starts_top =
            depth == 1 && matches!(event, Event::MappingStart(..) | Event::SequenceStart(..)) && !is_top;
        if starts_top && (matches!(event, Event::SequenceStart(..)) || is_flow(text, span)) {
            return Err(EditError::NotSafe("it is not a plain list of keys".to_owned()));
        }
        let is_value = is_top && !matches!(event, Event::MappingEnd | Event::SequenceEnd);
        if is_value && expects_key {
            let Event::Scalar(key, ..) = event else {
                return Err(EditError::NotSafe("a key of it is no plain word".to_owned()));
            };
            outline.keys.push(key.to_string());
            outline.values.push((span.start.line(), Value::Other));
            expects_key = false;
        } else if is_value {
            if let (Event::SequenceStart(..), Some(last)) = (event, outline.values.last_mut()) {
                let first = events.get(index + 1).filter(|(event, _)| !matches!(event, Event::SequenceEnd));
                last.1 = Value::List { first_line: first.map(|(_, span)| span.start.line()) };
            }
            expects_key = true;
        }
        if depth == 0 && matches!(event, Event::Scalar(value, ..) if !value.is_empty()) {
            return Err(EditError::NotSafe("it is not a plain list of keys".to_owned()));
        }
    }
    if documents > 1 {
        return Err(EditError::NotSafe("it holds more than one document".to_owned()));
    }
    Ok(outline)
}

/// For a list with a top-level key: how many lines stand before its items, and their indentation.
pub(super) fn list(text: &str, key: &str) -> Result<(usize, String), EditError> {
    let outline = outline(text)?;
    let at = outline.keys.iter().position(|known| known == key);
    let not_safe = || EditError::NotSafe(format!("`{key}` is not a list of lines that start with a dash"));
    let Some((line, Value::List { first_line: Some(first) })) = at.and_then(|at| outline.values.get(at))
    else {
        return Err(not_safe());
    };
    let written = text.lines().nth(first - 1).unwrap_or_default();
    let indent: String = written.chars().take_while(|character| *character == ' ').collect();
    if *first <= *line || !written.trim_start().starts_with("- ") {
        return Err(not_safe());
    }
    Ok((*line, indent))
}

fn is_flow(text: &str, span: &Span) -> bool {
    let line = text.lines().nth(span.start.line().saturating_sub(1)).unwrap_or_default();
    line.trim_start().trim_start_matches("--- ").starts_with(['{', '[', '&', '!'])
}

fn events(text: &str) -> Result<Vec<(Event<'_>, Span)>, EditError> {
    let mut parser = Parser::new_from_str(text);
    let mut events = Vec::new();
    while let Some(next) = parser.next_event() {
        match next {
            Ok(event) => events.push(event),
            Err(error) => {
                let place = error.marker();
                return Err(EditError::Syntax {
                    line: place.line(),
                    column: place.col() + 1,
                    what: error.info().to_owned(),
                });
            }
        }
    }
    Ok(events)
}
