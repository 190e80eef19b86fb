//! What an answer says, whatever dialect it came in: its text and its calls.

use waymark_types::Usage;

use super::event::Event;
use super::prompt::Block;
use super::reply::Reply;

/// What an answer says, whole or as far as it has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    /// Its text, without its reasoning.
    pub text: String,
    /// The tools it calls, with their arguments as it put them out.
    pub calls: Vec<(String, String)>,
    /// Tokens, as stated so far.
    pub usage: Usage,
}

impl Said {
    /// What a whole answer says.
    pub fn of(reply: &Reply) -> Self {
        let mut said = Self { usage: reply.usage, ..Self::default() };
        for block in &reply.blocks {
            match block {
                Block::Text { text, .. } => said.text.push_str(text),
                Block::ToolCall { name, arguments, .. } => {
                    said.calls.push((name.clone(), arguments.clone()));
                }
                _ => {}
            }
        }
        said
    }

    /// Adds what a stream's next event says.
    pub fn add(&mut self, event: &Event) {
        match event {
            Event::TextDelta { text, .. } => self.text.push_str(text),
            Event::ToolCallStart { name, .. } => self.calls.push((name.clone(), String::new())),
            Event::ToolCallDelta { arguments, .. } => {
                if let Some((_, call)) = self.calls.last_mut() {
                    call.push_str(arguments);
                }
            }
            Event::Usage { usage } => self.usage.update(usage),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_says_what_the_whole_answer_says() {
        let usage = Usage { output: Some(7), ..Usage::default() };
        let call = |arguments: &str| Block::ToolCall {
            id: "c".into(),
            name: "run".into(),
            arguments: arguments.into(),
            cache: None,
            signature: None,
        };
        let reply =
            Reply { blocks: vec![Block::text("I run it."), call(r#"{"a":1}"#)], usage, ..Reply::default() };
        let mut streamed = Said::default();
        for event in [
            Event::TextStart { index: 0 },
            Event::TextDelta { index: 0, text: "I run ".into() },
            Event::TextDelta { index: 0, text: "it.".into() },
            Event::BlockEnd { index: 0 },
            Event::ToolCallStart { index: 1, id: "c".into(), name: "run".into(), signature: None },
            Event::ToolCallDelta { index: 1, arguments: r#"{"a""#.into() },
            Event::ToolCallDelta { index: 1, arguments: ":1}".into() },
            Event::Usage { usage },
            Event::End,
        ] {
            streamed.add(&event);
        }
        assert_eq!(streamed, Said::of(&reply));
    }
}
