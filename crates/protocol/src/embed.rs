//! Texts turned into vectors: what requests and answers say, in no dialect's words.
//!
//! A vector means something only beside vectors of the same model. Converting changes the words around it and never
//! which model gives it; that no other model stands in is routing's to see to.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use serde_json::value::RawValue;
use waymark_types::{Dialect, Usage};

use crate::crossing::lose;
use crate::fim::Text;
use crate::json::{self, Fields};
use crate::neutral::{Flavour, Loss, Unsayable};
use crate::request::ParseError;

/// A dialect's embeddings, read into and written from the neutral form.
///
/// Reading never fails on what it does not know: unknown fields become losses.
pub trait EmbedDialogue: Sync {
    /// Reads a request.
    fn read_inputs(&self, body: &[u8]) -> Result<Inputs, ParseError>;
    /// Writes a request for the model named `model`, once [`Inputs::sayable_in`] has been asked.
    fn write_inputs(&self, inputs: &Inputs, model: &str) -> Vec<u8>;
    /// Reads a successful answer.
    fn read_vectors(&self, body: &[u8]) -> Result<Vectors, ParseError>;
    /// Writes an answer to `inputs`, the client's own request; `model` is the name to put in where the answer has none.
    fn write_vectors(&self, inputs: &Inputs, vectors: &Vectors, model: &str) -> Vec<u8>;
    /// Reads the message and code of an error answer's body.
    fn read_error(&self, body: &[u8]) -> (Option<String>, String);
}

/// The dialect's embeddings; `None` for dialects that have none.
pub fn embed_dialogue(dialect: Dialect) -> Option<&'static dyn EmbedDialogue> {
    match dialect {
        Dialect::OpenAiEmbeddings => Some(&crate::openai_embeddings::OpenAiEmbeddings),
        Dialect::OllamaEmbed => Some(&crate::ollama_embed::OllamaEmbed),
        Dialect::GeminiEmbed => Some(&crate::gemini_embed::GeminiEmbed),
        _ => None,
    }
}

/// A request to embed. The model's name is not part of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inputs {
    /// The texts; none in a request that only warms up.
    pub texts: Vec<String>,
    /// How long a vector should be.
    pub dimensions: Option<u64>,
    /// How the answer must look, in the client's own dialect.
    pub form: VectorForm,
    /// What the client said that has no place here; the reader's losses.
    pub losses: Vec<Loss>,
    /// What the request cannot do without and only the client's own dialect can say, in the client's terms.
    pub unsayable: Vec<String>,
    /// Whose words it is written in; the writer's to know, not the reader's.
    pub flavour: Flavour,
}

/// How a client wants its vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VectorForm {
    /// A list of them, in numbers.
    #[default]
    List,
    /// A list of them, each the Base64 of its numbers' bytes (OpenAI `encoding_format`).
    Base64,
    /// Only one (Ollama `/api/embeddings`, Gemini `:embedContent`).
    Single,
}

/// An answer: a vector for each text, in the texts' order.
#[derive(Debug, Clone, Default)]
pub struct Vectors {
    /// The vectors.
    pub vectors: Vec<Vector>,
    /// The provider's own word for the model.
    pub model: Option<String>,
    /// Tokens, as the provider states them.
    pub usage: Usage,
}

/// A vector, as the JSON list of its numbers: whatever they are, their digits stay.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Vector(Box<RawValue>);

impl Inputs {
    /// Takes the texts in the field `field`. Token ids are kept as something that only their own dialect can say.
    pub(crate) fn of(items: &[&RawValue], field: &'static str) -> Result<Self, ParseError> {
        let mut inputs = Self::default();
        for item in items {
            if is_tokens(item) {
                inputs.unsayable.push(format!("`{field}`: token ids"));
                continue;
            }
            let Text { text, is_mended } = Text::read(item, field)?;
            if is_mended {
                lose(&mut inputs.losses, "lone_surrogate");
            }
            inputs.texts.push(text);
        }
        Ok(inputs)
    }

    /// Whether the request can be put into `dialect` at all.
    pub fn sayable_in(&self, dialect: Dialect) -> Result<(), Unsayable> {
        match self.unsayable.first() {
            Some(what) => Err(Unsayable { what: what.clone(), dialect }),
            None => Ok(()),
        }
    }
}

/// Whether an input, or the first item of a list of them, is token ids.
fn is_tokens(item: &RawValue) -> bool {
    item.get().starts_with(|letter: char| letter.is_ascii_digit() || letter == '[')
}

impl Vector {
    /// Reads a vector, be it numbers or the Base64 of their bytes.
    pub(crate) fn read(raw: &RawValue, field: &'static str) -> Result<Self, ParseError> {
        if raw.get().starts_with('"') {
            return Self::unpack(&json::parse::<String>(raw, field)?)
                .ok_or_else(|| unreadable(field, "neither numbers nor the Base64 of such"));
        }
        // Digits pass as they are, but whoever wants bytes gets 32-bit floats.
        let numbers: Vec<f32> = json::parse(raw, field)?;
        if !numbers.iter().all(|number| number.is_finite()) {
            return Err(unreadable(field, "a number that is too large for a 32-bit float"));
        }
        Ok(Self(RawValue::from_string(json::compact(raw.get())).unwrap_or_default()))
    }

    /// Reads the vectors that stand in a list.
    pub(crate) fn read_all(list: &[&RawValue], field: &'static str) -> Result<Vec<Self>, ParseError> {
        list.iter().map(|raw| Self::read(raw, field)).collect()
    }

    fn unpack(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text).ok()?;
        let (numbers, rest) = bytes.as_chunks::<4>();
        let numbers: Vec<f32> = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let is_whole = rest.is_empty() && numbers.iter().all(|number| number.is_finite());
        is_whole.then(|| serde_json::value::to_raw_value(&numbers).ok()).flatten().map(Self)
    }

    /// The Base64 of the numbers' bytes: 32-bit floats, the lowest byte first.
    pub(crate) fn packed(&self) -> String {
        let numbers =
            self.0.get().trim_matches(['[', ']']).split(',').filter_map(|digits| digits.parse().ok());
        BASE64.encode(numbers.flat_map(f32::to_le_bytes).collect::<Vec<u8>>())
    }
}

impl Default for Vector {
    /// A vector of no text.
    fn default() -> Self {
        Self(RawValue::from_string("[]".to_owned()).unwrap_or_default())
    }
}

impl Vectors {
    /// The only vector of an answer that has room for one; an empty one where nothing was to be embedded.
    pub(crate) fn single(&self) -> Vector {
        self.vectors.first().cloned().unwrap_or_default()
    }
}

/// Adds what goes without saying: vectors have no tokens of their own.
pub(crate) fn nothing_written(usage: &mut Usage) {
    usage.output = usage.output.or(usage.input.map(|_| 0));
}

/// The object in a field that must be there.
pub(crate) fn required<'a>(
    fields: &mut Fields<'a>,
    field: &'static str,
    problem: &str,
) -> Result<&'a RawValue, ParseError> {
    fields.raw(field).ok_or_else(|| unreadable(field, problem))
}

fn unreadable(field: &'static str, problem: &str) -> ParseError {
    ParseError::Field { field, problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(json: &str) -> Result<Vector, ParseError> {
        Vector::read(&RawValue::from_string(json.to_owned()).unwrap(), "embedding")
    }

    #[test]
    fn digits_stay_as_they_are() {
        let digits = "[ -0.00123456789012345678, 1e-9,\n 7,-0.0 ]";
        assert_eq!(read(digits).unwrap().0.get(), "[-0.00123456789012345678,1e-9,7,-0.0]");
        for wrong in ["[\"a\"]", "7", "null", "\"AAA\"", "\"AAAAAAA=\"", "\"AADAfw==\"", "[1e39]"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_vector_of_nothing_is_empty() {
        assert_eq!(Vector::default().packed(), "");
        assert_eq!(read("[]").unwrap().0.get(), "[]");
    }

    proptest! {
        /// Packed and unpacked, every number is the one it was.
        #[test]
        fn packing_keeps_every_number(numbers: Vec<f32>) {
            let numbers: Vec<f32> = numbers.into_iter().filter(|number| number.is_finite()).collect();
            let vector = read(&serde_json::to_string(&numbers).unwrap()).unwrap();
            let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            prop_assert_eq!(BASE64.decode(vector.packed()).unwrap(), bytes);
            let unpacked = read(&format!("\"{}\"", vector.packed())).unwrap();
            prop_assert_eq!(unpacked.0.get(), vector.0.get());
        }
    }
}
