//! Asking a witness for a cosignature.

use std::error::Error as StdError;
use std::time::Duration;

use thiserror::Error;
use waymark_ledger::checkpoint::Checkpoint;
use waymark_ledger::cosignature::{self, Cosignature};
use waymark_ledger::note::{Note, NoteError};
use waymark_ledger::tree::Hash;
use waymark_ledger::witness::{ADD_CHECKPOINT, Request, parse_cosignature, parse_size};

use crate::upstream::is_loopback;

/// How long one exchange with a witness may take.
const PATIENCE: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(10);
/// The largest answer read, in bytes.
const LARGEST_ANSWER: usize = 64 << 10;
/// How often a witness is asked anew with the size it told, since others of the same log may ask in between.
const TRIES: usize = 4;

/// A witness to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Where it takes requests: what stands before `/add-checkpoint`.
    pub url: String,
    /// The key its cosignatures are checked with.
    pub key: cosignature::Verifier,
}

/// A checkpoint was not cosigned.
#[derive(Debug, Error)]
pub enum AskError {
    /// The checkpoint to be cosigned cannot be read.
    #[error("the checkpoint for witness {witness} is malformed")]
    Checkpoint {
        /// The witness's name.
        witness: String,
        /// What is wrong.
        source: NoteError,
    },
    /// The witness cannot be reached, or broke off.
    #[error("could not ask witness {witness}")]
    Transfer {
        /// The witness's name.
        witness: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The proof that it needs cannot be made.
    #[error("could not make the consistency proof for witness {witness} from size {old}")]
    Proof {
        /// The witness's name.
        witness: String,
        /// The size it cosigned last.
        old: u64,
        /// Why.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// It cosigned more of this log than the checkpoint has. Unless a newer one was cosigned meanwhile, this log lost
    /// its end.
    #[error(
        "witness {witness} has cosigned {size} leaves of this log, more than the {asked} it was asked about"
    )]
    Ahead {
        /// The witness's name.
        witness: String,
        /// The size it cosigned.
        size: u64,
        /// The size it was asked to cosign.
        asked: u64,
    },
    /// It cosigned another history of this log.
    #[error("witness {witness} has cosigned another history of this log: {answer}")]
    Inconsistent {
        /// The witness's name.
        witness: String,
        /// What it said.
        answer: String,
    },
    /// It refuses, for a reason of its own.
    #[error("witness {witness} refused with status {status}: {answer}")]
    Refused {
        /// The witness's name.
        witness: String,
        /// The HTTP status.
        status: u16,
        /// What it said.
        answer: String,
    },
    /// Its cosignature does not hold, or is by another key.
    #[error("what witness {witness} answered is no cosignature of its")]
    Cosignature {
        /// The witness's name.
        witness: String,
        /// What is wrong.
        source: NoteError,
    },
    /// It tells sizes that lead nowhere.
    #[error("witness {0} told no size to go on from")]
    Size(String),
}

/// Asks witnesses.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    /// Follows the system's proxy settings.
    remote: reqwest::Client,
    /// Never goes through a proxy.
    loopback: reqwest::Client,
}

impl Asker {
    /// Prepares the connections.
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        let client = || {
            reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(CONNECT)
                .timeout(PATIENCE)
        };
        Ok(Self { remote: client().build()?, loopback: client().no_proxy().build()? })
    }

    /// Has a checkpoint cosigned. `known` is the size that the witness is thought to have cosigned last, 0 when nothing
    /// is; a wrong guess costs one more exchange. `consistency` makes the consistency proof between two sizes of the
    /// log, the older one above 0.
    ///
    /// The line of the cosignature is to be appended to the checkpoint.
    pub(crate) async fn ask<F, P, E>(
        &self,
        witness: &Witness,
        checkpoint: &str,
        known: u64,
        consistency: F,
    ) -> Result<Cosignature, AskError>
    where
        F: Fn(u64, u64) -> P,
        P: Future<Output = Result<Vec<Hash>, E>>,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let name = || witness.key.name().to_owned();
        let asked = Note::parse(checkpoint).and_then(|note| Checkpoint::parse(note.text()));
        let asked = asked.map_err(|source| AskError::Checkpoint { witness: name(), source })?.size;
        let mut old = known.min(asked);
        for _ in 0..TRIES {
            let proof = if old == 0 || old == asked { Ok(Vec::new()) } else { consistency(old, asked).await };
            let proof =
                proof.map_err(|error| AskError::Proof { witness: name(), old, source: error.into() })?;
            let body = Request { old, proof, checkpoint: checkpoint.to_owned() }.to_text();
            let (status, answer) = self.post(witness, body).await?;
            let told = || answer.chars().take(200).collect::<String>().trim_end().to_owned();
            match status {
                200 => {
                    let cosignature = parse_cosignature(checkpoint, &answer, &witness.key);
                    return cosignature.map_err(|source| AskError::Cosignature { witness: name(), source });
                }
                409 => match parse_size(&answer) {
                    Some(size) if size > asked => {
                        return Err(AskError::Ahead { witness: name(), size, asked });
                    }
                    Some(size) if size != old => old = size,
                    _ => return Err(AskError::Size(name())),
                },
                422 => return Err(AskError::Inconsistent { witness: name(), answer: told() }),
                _ => return Err(AskError::Refused { witness: name(), status, answer: told() }),
            }
        }
        Err(AskError::Size(name()))
    }

    /// Sends a request, and reads as much of the answer as an answer may have.
    async fn post(&self, witness: &Witness, body: String) -> Result<(u16, String), AskError> {
        let transfer = |source| AskError::Transfer { witness: witness.key.name().to_owned(), source };
        let url = format!("{}/{ADD_CHECKPOINT}", witness.url.trim_end_matches('/'));
        let is_local = reqwest::Url::parse(&url).is_ok_and(|url| is_loopback(&url));
        let client = if is_local { &self.loopback } else { &self.remote };
        let mut response = client.post(url).body(body).send().await.map_err(transfer)?;
        let mut answer = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(transfer)? {
            answer.extend_from_slice(&piece[..piece.len().min(LARGEST_ANSWER - answer.len())]);
            if answer.len() == LARGEST_ANSWER {
                break;
            }
        }
        Ok((response.status().as_u16(), String::from_utf8_lossy(&answer).into_owned()))
    }
}
