//! Keys made, listed and revoked, beside a running server or without one. Each change is itself on record.

use std::path::Path;

use thiserror::Error;
use waymark_ledger::commitment::hex;
use waymark_ledger::{Entry, EntryError, KeyChange, KeyEvent, KeyTerms, Leaf, Log};
use waymark_store::{Address, Effect, LedgerStore, StoreError, StoredKey};
use waymark_types::{Clock, Limits, RecordId, Secret, Timestamp};

use super::book::{PREFIX, hash};
use super::told::{ListedKey, told};
use crate::clock::{self, RandomError};
use crate::keys::{self, KeyError};

/// A key that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// Whose it is, by name.
    pub owner: String,
    /// What it is for; empty where nobody says.
    pub label: String,
    /// The routes it may take. Without routes and models it may take any.
    pub routes: Vec<String>,
    /// The models it may ask for by name.
    pub models: Vec<String>,
    /// How much may be used with it.
    pub limits: Limits,
    /// When it ends by itself.
    pub expires: Option<Timestamp>,
}

/// A key that was made.
pub struct KeyReport {
    /// The record of it.
    pub record: RecordId,
    /// Its id.
    pub id: String,
    /// The secret, which is nowhere else.
    pub secret: Secret,
}

/// Nothing was done to any key.
#[derive(Debug, Error)]
pub enum KeysError {
    /// The ledger cannot be read or written.
    #[error("the keys cannot be reached")]
    Store(#[from] StoreError),
    /// The ledger's key cannot be used.
    #[error(transparent)]
    Directory(#[from] KeyError),
    /// The entry cannot be made.
    #[error("the change cannot be recorded")]
    Entry(#[from] EntryError),
    /// What is asked for cannot be done.
    #[error("{0}")]
    Refused(String),
    /// No randomness for a secret.
    #[error("could not make a key")]
    Random(#[from] RandomError),
}

/// Makes a key. The ledger is made where there is none yet.
pub async fn create_key(
    address: &Address,
    data_dir: &Path,
    new: NewKey,
    clock: &dyn Clock,
) -> Result<KeyReport, KeysError> {
    keys::make(data_dir)?;
    let (store, log) = match address {
        Address::Sqlite(_) => {
            let signer = keys::signer(data_dir)?;
            (LedgerStore::open(address, "keys").await?, Log::new(signer))
        }
        Address::Postgres { .. } => {
            let store = LedgerStore::open(address, "keys").await?;
            let signer = keys::shared_signer(data_dir, store.origin().await?.as_deref())?;
            (store, Log::new(signer))
        }
    };
    store.claim(&log).await?;
    let id = hex(&clock::random::<6>()?);
    let secret = Secret::new(format!("{PREFIX}{}", hex(&clock::random::<32>()?)));
    let owner = store.subject(&new.owner, clock::random()?).await?;
    let recorded = clock.now();
    let terms = KeyTerms {
        owner: owner.id().to_owned(),
        secret_sha256: hash(secret.expose()),
        routes: new.routes,
        models: new.models,
        limits: new.limits,
        expires: new.expires,
    };
    let kept = StoredKey {
        id: id.clone(),
        owner: Some(new.owner),
        label: new.label,
        terms: terms.clone(),
        created: recorded,
        revoked: None,
    };
    let change = KeyEvent::Created(Box::new(terms));
    let record = record(&store, &log, recorded, &id, change, Effect::CreateKey(Box::new(kept))).await?;
    Ok(KeyReport { record, id, secret })
}

/// Lets a key hold no more. Returns the record of it.
pub async fn revoke_key(
    address: &Address,
    data_dir: &Path,
    id: &str,
    clock: &dyn Clock,
) -> Result<RecordId, KeysError> {
    // Nothing is made that is not there.
    let reader = LedgerStore::open_to_read(address).await?;
    let known = reader.keys().await?.into_iter().find(|key| key.id == id);
    reader.close().await?;
    match known {
        None => return Err(KeysError::Refused(format!("there is no key {id}"))),
        Some(StoredKey { revoked: Some(at), .. }) => {
            return Err(KeysError::Refused(format!("the key {id} was revoked at {at}")));
        }
        Some(_) => {}
    }
    let log = Log::new(keys::read_signer(data_dir)?);
    let store = LedgerStore::open(address, "keys").await?;
    store.claim(&log).await?;
    let recorded = clock.now();
    let effect = Effect::RevokeKey(id.to_owned(), recorded);
    record(&store, &log, recorded, id, KeyEvent::Revoked, effect).await
}

/// Every key, the oldest first, with what was used.
pub async fn list_keys(address: &Address, clock: &dyn Clock) -> Result<Vec<ListedKey>, KeysError> {
    let store = LedgerStore::open_to_read(address).await?;
    let listed = told(&store, clock.now()).await?;
    store.close().await?;
    Ok(listed)
}

async fn record(
    store: &LedgerStore,
    log: &Log,
    recorded: Timestamp,
    key: &str,
    change: KeyEvent,
    effect: Effect,
) -> Result<RecordId, KeysError> {
    let record = clock::record_id(recorded)?;
    let entry = Entry::Key(KeyChange { record, recorded, key: key.to_owned(), change });
    store.append(&[Leaf::new(entry, clock::random()?)?], &[effect], log).await?;
    // Where others seal, it is under the tree soon; here it need not wait for them.
    match store.seal(log).await {
        Ok(_) | Err(StoreError::Busy) => {}
        Err(error) => return Err(error.into()),
    }
    store.close().await?;
    Ok(record)
}
