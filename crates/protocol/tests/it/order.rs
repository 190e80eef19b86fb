//! The order that a stream's events keep to, as `neutral::Event` prescribes it.

use waymark_protocol::neutral::{Block, Event, Stop};
use waymark_types::Usage;

/// What a stream said.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) blocks: Vec<Block>,
    pub(crate) usage: Usage,
    pub(crate) stop: Option<Stop>,
    pub(crate) ended: bool,
    pub(crate) error: Option<String>,
    /// The number of the block that is open.
    open: Option<usize>,
    started: bool,
}

/// Gathers what events say; panics where they break the order.
pub(crate) fn gather(events: &[Event], whose: &str) -> Said {
    let mut said = Said::default();
    for event in events {
        let over = said.ended || said.error.is_some();
        assert!(!over, "{whose}: {event:?} behind the last event");
        let plain = matches!(event, Event::Start { .. } | Event::Ping | Event::Error { .. });
        assert!(said.started || plain, "{whose}: {event:?} before the start");
        said.take(event, whose);
    }
    said
}

impl Said {
    fn take(&mut self, event: &Event, whose: &str) {
        match event {
            Event::Ping => {}
            Event::Start { .. } => {
                assert!(!std::mem::replace(&mut self.started, true), "{whose}: a second start");
            }
            Event::Error { message, .. } => self.error = Some(message.clone()),
            Event::Usage { usage } => {
                assert!(self.open.is_none() && self.stop.is_none(), "{whose}: usage before the blocks' end");
                self.usage.update(usage);
            }
            Event::Stop { stop } => {
                assert!(self.open.is_none() && self.stop.is_none(), "{whose}: {event:?} in the wrong place");
                self.stop = Some(stop.clone());
            }
            Event::End => {
                assert!(self.open.is_none(), "{whose}: the end with a block open");
                self.ended = true;
            }
            block => {
                assert!(self.stop.is_none(), "{whose}: {block:?} behind the stop");
                self.block(block, whose);
            }
        }
    }

    fn block(&mut self, event: &Event, whose: &str) {
        let opened = |block: Block| (block, true);
        let (index, new) = match event {
            Event::TextStart { index } => (*index, Some(opened(Block::text("")))),
            Event::ThinkingStart { index, id } => {
                let block = Block::Thinking { text: String::new(), signature: None, id: id.clone() };
                (*index, Some(opened(block)))
            }
            Event::RefusalStart { index } => (*index, Some(opened(Block::Refusal { text: String::new() }))),
            Event::ToolCallStart { index, id, name, signature } => {
                let (id, name, signature) = (id.clone(), name.clone(), signature.clone());
                let block = Block::ToolCall { id, name, arguments: String::new(), cache: None, signature };
                (*index, Some(opened(block)))
            }
            Event::RedactedThinking { index, data } => {
                (*index, Some((Block::RedactedThinking { data: data.clone() }, false)))
            }
            Event::TextDelta { index, .. }
            | Event::ThinkingDelta { index, .. }
            | Event::ThinkingSignature { index, .. }
            | Event::RefusalDelta { index, .. }
            | Event::ToolCallDelta { index, .. }
            | Event::BlockEnd { index } => (*index, None),
            other => panic!("{whose}: {other:?} is no block's"),
        };
        if let Some((block, stays_open)) = new {
            assert_eq!(
                (self.open, index),
                (None, self.blocks.len()),
                "{whose}: {event:?} in the wrong place"
            );
            self.open = stays_open.then_some(index);
            self.blocks.push(block);
            return;
        }
        assert_eq!(self.open, Some(index), "{whose}: {event:?} for a block that is not open");
        if matches!(event, Event::BlockEnd { .. }) {
            self.open = None;
            return;
        }
        fill(self.blocks.last_mut().unwrap(), event, whose);
    }
}

fn fill(block: &mut Block, event: &Event, whose: &str) {
    match (block, event) {
        (Block::Text { text, .. }, Event::TextDelta { text: more, .. })
        | (Block::Thinking { text, .. }, Event::ThinkingDelta { text: more, .. })
        | (Block::Refusal { text }, Event::RefusalDelta { text: more, .. })
        | (Block::ToolCall { arguments: text, .. }, Event::ToolCallDelta { arguments: more, .. }) => {
            text.push_str(more);
        }
        (Block::Thinking { signature, .. }, Event::ThinkingSignature { signature: more, .. }) => {
            signature.get_or_insert_default().push_str(more);
        }
        (block, event) => panic!("{whose}: {event:?} in {block:?}"),
    }
}
