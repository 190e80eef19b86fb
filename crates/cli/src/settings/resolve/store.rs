//! Where records are kept.

use std::path::Path;

use waymark_gateway::DATABASE;
use waymark_store::Address;
use waymark_types::Secret;

use super::Resolver;
use crate::settings::Environment;
use crate::settings::key::KeyPath;
use crate::settings::layers::Layers;
use crate::settings::problem::Problem;

/// The store by what the layers said, or what is wrong with it.
pub(in crate::settings) fn store(
    layers: &Layers,
    environment: Environment<'_>,
    data_dir: &Path,
) -> Result<Address, Problem> {
    let url = layers.text(&KeyPath::fixed("store.url")).map_or("sqlite", |(text, _)| text);
    if url == "sqlite" {
        return Ok(Address::Sqlite(data_dir.join(DATABASE)));
    }
    let key = KeyPath::fixed("store.password_env");
    let password = match layers.text(&key) {
        None => None,
        Some((variable, origin)) => {
            let set = environment(variable).filter(|text| !text.is_empty()).map(Secret::new);
            let missing = || Problem {
                origin: origin.clone(),
                message: format!("`{key}` names {variable}, which is not set"),
                hint: Some("set the variable to the database's password, or leave the key out".to_owned()),
            };
            Some(set.ok_or_else(missing)?)
        }
    };
    Ok(Address::Postgres { url: Secret::new(url.to_owned()), password })
}

impl Resolver<'_> {
    pub(super) fn store(&mut self, data_dir: &Path) -> Option<Address> {
        match store(self.layers, self.environment, data_dir) {
            Ok(address) => Some(address),
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }
}
