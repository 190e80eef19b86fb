//! Whether a client is there and where it points, told from its own files and nothing else.

use std::path::Path;

use super::address::Address;
use super::clients::{Client, FileEdit};
use super::edit::{Edit, Place, apply, string_at};
use super::home::Home;
use super::problem::ConnectError;
use super::{files, memory};

/// Where a client points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Here {
    /// At the address.
    Yes,
    /// At the address, with something else missing.
    Partly,
    /// At another address.
    Elsewhere(String),
    /// Nowhere in particular.
    No,
    /// Its settings are not in a file.
    Unknown,
}

/// A client as found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    /// What gave it away; none when it is not installed.
    pub(crate) installed: Option<String>,
    /// The address it should point at: the one it was connected to, else the one given.
    pub(crate) address: Address,
    /// Whether it does.
    pub(crate) here: Here,
}

/// Looks a client up.
pub(crate) fn state(
    client: &Client,
    home: &Home<'_>,
    address: &Address,
    data_dir: Option<&Path>,
) -> Result<State, ConnectError> {
    let known = data_dir.map(|folder| memory::load(folder, client.name)).transpose()?.flatten();
    let known = known.and_then(|connection| Address::parse(&connection.address).ok());
    let address = known.unwrap_or_else(|| address.clone());
    Ok(State { installed: installed(client, home), here: here(client, home, &address)?, address })
}

fn installed(client: &Client, home: &Home<'_>) -> Option<String> {
    let program = client.programs.iter().find_map(|name| home.program(name));
    let found = program.or_else(|| (client.folders)(home).into_iter().find(|folder| folder.is_dir()));
    found.map(|path| home.shown(&path))
}

fn here(client: &Client, home: &Home<'_>, address: &Address) -> Result<Here, ConnectError> {
    let plan = (client.plan)(home, address);
    // What the environment says wins in every client that has such a variable.
    if let Some(url) = client.variable.and_then(|name| home.variable(name)) {
        return Ok(if address.covers(&url) { Here::Yes } else { Here::Elsewhere(url) });
    }
    if plan.files.is_empty() {
        return Ok(if client.variable.is_some() { Here::No } else { Here::Unknown });
    }
    let (mut named, mut complete) = (Vec::new(), true);
    for file in &plan.files {
        let text = files::read(&file.path)?.unwrap_or_default();
        named.extend(addresses(file, &text).into_iter().filter(|url| !url.is_empty()));
        complete &= apply(&text, &file.edit).is_ok_and(|applied| applied.traces.is_empty());
    }
    // In a list every model has an address of its own, so others' say nothing.
    let list = |file: &FileEdit| matches!(&file.edit, Edit::Block(block) if matches!(block.place, Place::List { .. }));
    Ok(match named.iter().any(|url| address.covers(url)) {
        true if complete => Here::Yes,
        true => Here::Partly,
        false => match named.into_iter().next() {
            Some(url) if !plan.files.iter().any(list) => Here::Elsewhere(url),
            _ => Here::No,
        },
    })
}

fn addresses(file: &FileEdit, text: &str) -> Vec<String> {
    match (&file.edit, &file.address) {
        (Edit::Block(block), _) => block.addresses(text),
        (edit, Some(path)) => string_at(text, edit.format(), path).into_iter().collect(),
        _ => Vec::new(),
    }
}
