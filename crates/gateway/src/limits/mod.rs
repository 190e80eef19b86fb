//! Who may ask, for what, and how much: virtual keys, budgets and rates.
//!
//! Keys are looked up in memory ([`book`]). A call with a budget reserves what it may come to before anything is asked of
//! a provider ([`admit`]), and settles to what it came to with its record's completion ([`hold`]).

mod admit;
mod book;
mod commands;
mod estimate;
mod hold;
mod purse;
mod rates;
mod told;
mod window;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use waymark_store::{LedgerStore, StoreError};
use waymark_types::Limits;

pub(crate) use admit::{Refused, admit, permitted};
pub(crate) use book::{Key, presented, recognise};
pub use commands::{KeyReport, KeysError, NewKey, create_key, list_keys, revoke_key};
pub(crate) use hold::Hold;
pub(crate) use told::told;
pub use told::{ListedKey, Used};

use book::Book;
use purse::Purse;
use rates::Rates;

/// The account that everybody is counted under.
const EVERYBODY: &str = "all";

/// Limits as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitsConfig {
    /// Whether a key is needed; `None` needs one beyond this machine, once there is one.
    pub keys: Option<KeyUse>,
    /// What everybody may use together.
    pub everybody: Limits,
    /// What each owner of keys may use.
    pub per_owner: Limits,
    /// What becomes of a call under a budget of money whose price is not known.
    pub unpriced: Unpriced,
    /// Tokens that an answer is taken to have where its request does not say how many it may have.
    pub output_tokens: u64,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            keys: None,
            everybody: Limits::default(),
            per_owner: Limits::default(),
            unpriced: Unpriced::default(),
            output_tokens: 4_096,
        }
    }
}

/// Whether a virtual key is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// Who has none is let in too.
    Optional,
    /// Who has none is kept out.
    Required,
}

/// What becomes of a call under a budget of money whose price is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unpriced {
    /// It is made, and its tokens alone count.
    #[default]
    Allow,
    /// It is refused.
    Refuse,
}

/// Who may ask and what they used, as the server holds it.
pub(crate) struct Limiting {
    book: Book,
    rates: Rates,
    purse: Purse,
}

impl Limiting {
    /// Reads the keys, and keeps reading them on `tasks` until `stop`. Where the ledger is `shared`, so are rates.
    pub(crate) async fn start(
        store: &Arc<LedgerStore>,
        shared: bool,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<Self, StoreError> {
        let book = Book::open(store).await?;
        tasks.spawn(book.follow(Arc::clone(store), stop.clone()));
        let purse = Purse::start(Arc::clone(store), tasks);
        Ok(Self { book, rates: Rates::new(shared.then(|| Arc::clone(store))), purse })
    }

    /// Whether there is any key, one that was revoked included.
    pub(crate) fn has_keys(&self) -> bool {
        self.book.has_keys()
    }
}

/// Whether a key is needed to ask at all.
pub(crate) fn needs_key(state: &crate::state::State) -> bool {
    match state.config.limits.keys {
        Some(KeyUse::Required) => true,
        Some(KeyUse::Optional) => false,
        None => !state.config.listen.ip().is_loopback() && state.limits.has_keys(),
    }
}
