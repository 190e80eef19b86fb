//! Who can talk to whom.

use std::sync::LazyLock;

use waymark_protocol::neutral::Prompt;
use waymark_protocol::{
    Addressed, Dialogue, EmbedDialogue, FimDialogue, FimPrompt, dialogue, embed_dialogue, fim_dialogue,
    instruction_dialogue,
};
use waymark_types::Dialect;

use crate::cases::CASES;

/// An end of a conversation.
pub struct End<P: 'static, D: ?Sized + 'static> {
    /// Its dialect.
    pub dialect: Dialect,
    /// How it reads and writes.
    pub talk: &'static D,
    /// What it has asked in the examples, and once nothing.
    asked: &'static [P],
}

/// An end of a conversation.
pub type Talker = End<Prompt, dyn Dialogue>;
/// An end of a completion.
pub type Completer = End<FimPrompt, dyn FimDialogue>;

impl<P: Default, D: ?Sized> End<P, D> {
    /// A request of its own.
    pub fn prompt(&self, seed: u8) -> &'static P {
        &self.asked[usize::from(seed / 8) % self.asked.len()]
    }
}

/// Those that providers speak.
pub static PROVIDERS: LazyLock<Vec<Talker>> = LazyLock::new(|| talkers(dialogue));

/// Those that clients speak: instructions are conversations, too.
pub static CLIENTS: LazyLock<Vec<Talker>> =
    LazyLock::new(|| talkers(|dialect| dialogue(dialect).or_else(|| instruction_dialogue(dialect))));

/// Those who complete.
pub static COMPLETERS: LazyLock<Vec<Completer>> = LazyLock::new(|| {
    let found = Dialect::ALL.iter().filter_map(|&dialect| Some((dialect, fim_dialogue(dialect)?)));
    let asked = |dialect, talk: &dyn FimDialogue| {
        let mut asked = asked(dialect, |body| talk.read_fim(body).ok());
        asked.push(FimPrompt { stream: true, ..FimPrompt::default() });
        asked.leak()
    };
    found.map(|(dialect, talk)| End { dialect, talk, asked: asked(dialect, talk) }).collect()
});

/// Those who embed.
pub static EMBEDDERS: LazyLock<Vec<(Dialect, &'static dyn EmbedDialogue)>> = LazyLock::new(|| {
    Dialect::ALL.iter().filter_map(|&dialect| Some((dialect, embed_dialogue(dialect)?))).collect()
});

fn talkers(of: impl Fn(Dialect) -> Option<&'static dyn Dialogue>) -> Vec<Talker> {
    let found = Dialect::ALL.iter().filter_map(|&dialect| Some((dialect, of(dialect)?)));
    let asked = |dialect, talk: &dyn Dialogue| {
        let mut asked = asked(dialect, |body| talk.read_prompt(body).ok());
        asked.push(Prompt { stream: true, stream_usage: true, ..Prompt::default() });
        asked.leak()
    };
    found.map(|(dialect, talk)| End { dialect, talk, asked: asked(dialect, talk) }).collect()
}

fn asked<P>(dialect: Dialect, read: impl Fn(&[u8]) -> Option<P>) -> Vec<P> {
    let own = CASES.iter().filter(|case| case.dialect == dialect && case.kind == "request");
    own.filter_map(|case| read(&case.bytes)).collect()
}

/// What the address says of requests in this dialect.
pub fn addressed(dialect: Dialect, model: &str, stream: bool) -> Addressed {
    match dialect {
        Dialect::Gemini | Dialect::GeminiEmbed => {
            Addressed { model: Some(model.to_owned()), stream: Some(stream), ..Addressed::default() }
        }
        _ => Addressed::default(),
    }
}
