//! Crossing from the client's dialect into a provider's, and back.

use std::fmt::Display;

use bytes::Bytes;
use waymark_protocol::neutral::{Event, Flavour, Loss, Prompt};
use waymark_protocol::{
    Dialogue, EmbedDialogue, ErrorKind, EventReader, EventWriter, Fault, FimDialogue, FimPrompt, Inputs,
    Request, dialogue, embed_dialogue, fim_dialogue, instruction_dialogue, sse,
};
use waymark_types::Dialect;

/// A request that crosses into another dialect.
pub(crate) struct Conversion {
    said: Said,
    client: Dialect,
    model: String,
    created: i64,
}

/// What is said, and who reads and writes it at either end.
enum Said {
    Conversation { prompt: Box<Prompt>, theirs: &'static dyn Dialogue, ours: &'static dyn Dialogue },
    Completion { prompt: Box<FimPrompt>, theirs: &'static dyn FimDialogue, ours: &'static dyn FimDialogue },
    Embedding { inputs: Inputs, theirs: &'static dyn EmbedDialogue, ours: &'static dyn EmbedDialogue },
}

/// A request as the provider gets it.
pub(crate) struct Crossed {
    pub(crate) conversion: Conversion,
    pub(super) body: Bytes,
    /// What had to be left out, as stable codes.
    pub(super) lost: Vec<String>,
}

/// Puts a request into the provider's dialect.
pub(crate) fn cross(
    request: &Request,
    provider: Dialect,
    flavour: Flavour,
    model: &str,
    created: i64,
) -> Result<Crossed, Fault> {
    let (client, mut losses) = (request.dialect, Vec::new());
    let (said, body) = if let Some(theirs) = dialogue(provider) {
        conversation(request, (provider, flavour), theirs, model, &mut losses)?
    } else if let Some(theirs) = fim_dialogue(provider) {
        completion(request, provider, theirs, model, &mut losses)?
    } else if let Some(theirs) = embed_dialogue(provider) {
        embedding(request, (provider, flavour), theirs, model, &mut losses)?
    } else {
        return Err(no_way(client, provider));
    };
    losses.sort();
    losses.dedup();
    let lost = losses.into_iter().map(|Loss { code }| code).collect();
    let conversion = Conversion { said, client, model: model.to_owned(), created };
    Ok(Crossed { conversion, body: body.into(), lost })
}

fn conversation(
    request: &Request,
    (provider, flavour): (Dialect, Flavour),
    theirs: &'static dyn Dialogue,
    model: &str,
    losses: &mut Vec<Loss>,
) -> Result<(Said, Vec<u8>), Fault> {
    let client = request.dialect;
    let ours = dialogue(client).or_else(|| instruction_dialogue(client));
    let ours = ours.ok_or_else(|| no_way(client, provider))?;
    let mut prompt = ours.read_prompt(request.raw()).map_err(|problem| unconvertible(&problem))?;
    prompt.sayable_in(provider).map_err(|problem| unconvertible(&problem))?;
    losses.append(&mut prompt.losses);
    prompt.flavour = flavour;
    // Some dialects ask for a stream by their address.
    prompt.stream = request.stream;
    let body = theirs.write_prompt(&prompt, model, losses).map_err(|problem| unconvertible(&problem))?;
    Ok((Said::Conversation { prompt: Box::new(prompt), theirs, ours }, body))
}

fn completion(
    request: &Request,
    provider: Dialect,
    theirs: &'static dyn FimDialogue,
    model: &str,
    losses: &mut Vec<Loss>,
) -> Result<(Said, Vec<u8>), Fault> {
    let ours = fim_dialogue(request.dialect).ok_or_else(|| no_way(request.dialect, provider))?;
    let mut prompt = ours.read_fim(request.raw()).map_err(|problem| unconvertible(&problem))?;
    losses.append(&mut prompt.losses);
    let body = theirs.write_fim(&prompt, model, losses).map_err(|problem| unconvertible(&problem))?;
    Ok((Said::Completion { prompt: Box::new(prompt), theirs, ours }, body))
}

fn embedding(
    request: &Request,
    (provider, flavour): (Dialect, Flavour),
    theirs: &'static dyn EmbedDialogue,
    model: &str,
    losses: &mut Vec<Loss>,
) -> Result<(Said, Vec<u8>), Fault> {
    let ours = embed_dialogue(request.dialect).ok_or_else(|| no_way(request.dialect, provider))?;
    let mut inputs = ours.read_inputs(request.raw()).map_err(|problem| unconvertible(&problem))?;
    inputs.sayable_in(provider).map_err(|problem| unconvertible(&problem))?;
    losses.append(&mut inputs.losses);
    inputs.flavour = flavour;
    let body = theirs.write_inputs(&inputs, model);
    Ok((Said::Embedding { inputs, theirs, ours }, body))
}

fn no_way(client: Dialect, provider: Dialect) -> Fault {
    unconvertible(&format!("{client} cannot be converted into {provider}"))
}

fn unconvertible(problem: &dyn Display) -> Fault {
    Fault { kind: ErrorKind::InvalidRequest, code: "not_convertible", message: problem.to_string() }
}

impl Conversion {
    /// A provider's whole answer, in the client's dialect; `None` when it cannot be read.
    pub(super) fn reply(&self, body: &[u8]) -> Option<Vec<u8>> {
        let (model, created) = (self.model.as_str(), self.created);
        Some(match &self.said {
            Said::Conversation { prompt, theirs, ours } => {
                ours.write_reply_to(prompt, &theirs.read_reply(body).ok()?, model, created)
            }
            Said::Completion { prompt, theirs, ours } => {
                ours.write_reply(prompt, &theirs.read_reply(body).ok()?, model, created)
            }
            Said::Embedding { inputs, theirs, ours } => {
                let answer = theirs.read_vectors(body).ok();
                // Without a vector for each text, nobody knows whose is whose.
                let answer = answer.filter(|answer| answer.vectors.len() == inputs.texts.len())?;
                ours.write_vectors(inputs, &answer, model)
            }
        })
    }

    /// A provider's error answer, in the client's dialect.
    pub(super) fn error(&self, status: u16, body: &[u8]) -> Vec<u8> {
        let (_, message) = match &self.said {
            Said::Conversation { theirs, .. } => theirs.read_error(body),
            Said::Completion { theirs, .. } => theirs.read_error(body),
            Said::Embedding { theirs, .. } => theirs.read_error(body),
        };
        waymark_protocol::error_body(
            self.client,
            &Fault { kind: ErrorKind::of_status(status), code: "upstream_error", message },
        )
    }

    /// The content type of a stream in the client's dialect.
    pub(super) fn stream_type(&self) -> &'static str {
        sse::framing(self.client).content_type()
    }

    /// Starts on a stream; `None` for embeddings, which come whole.
    pub(crate) fn stream(&self) -> Option<Converter> {
        let (model, created) = (self.model.as_str(), self.created);
        Some(match &self.said {
            Said::Conversation { prompt, theirs, ours } => {
                Converter { reader: theirs.event_reader(), writer: ours.event_writer(prompt, model, created) }
            }
            Said::Completion { prompt, theirs, ours } => {
                Converter { reader: theirs.event_reader(), writer: ours.event_writer(prompt, model, created) }
            }
            Said::Embedding { .. } => return None,
        })
    }
}

/// A stream that crosses, event by event.
pub(crate) struct Converter {
    reader: Box<dyn EventReader + Send>,
    writer: Box<dyn EventWriter + Send>,
}

impl Converter {
    /// One of the provider's events, as the client's.
    pub(crate) fn event(&mut self, frame: &sse::Frame<'_>) -> Vec<u8> {
        let events = self.reader.read(frame);
        self.write(&events)
    }

    /// What the end of the body adds.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        let events = self.reader.finish();
        self.write(&events)
    }

    fn write(&mut self, events: &[Event]) -> Vec<u8> {
        events.iter().flat_map(|event| self.writer.write(event)).collect()
    }
}
