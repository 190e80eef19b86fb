//! Where checkpoints are anchored.

use std::path::PathBuf;
use std::time::Duration;

use waymark_gateway::AnchorConfig;
use waymark_types::Secret;

use super::Resolver;
use crate::settings::Environment;
use crate::settings::duration;
use crate::settings::key::KeyPath;
use crate::settings::layers::Layers;
use crate::settings::problem::Problem;

/// The anchors by what the layers said, or what is wrong with them.
pub(in crate::settings) fn anchors(
    layers: &Layers,
    environment: Environment<'_>,
) -> Result<AnchorConfig, Problem> {
    let text = |path| layers.text(&KeyPath::fixed(path)).map(|(text, _)| text);
    let is_on = text("ledger.anchor.git") != Some("off");
    Ok(AnchorConfig {
        repository: text("repository.path").filter(|_| is_on).map(PathBuf::from),
        file: text("ledger.anchor.file").map(PathBuf::from),
        url: text("ledger.anchor.url").map(str::to_owned),
        url_header: header(layers, environment)?,
        every: text("ledger.anchor.every")
            .and_then(|text| duration::parse(text).ok())
            .unwrap_or(Duration::from_secs(600)),
    })
}

fn header(layers: &Layers, environment: Environment<'_>) -> Result<Option<Secret>, Problem> {
    let key = KeyPath::fixed("ledger.anchor.url_header_env");
    let Some((variable, origin)) = layers.text(&key) else { return Ok(None) };
    let refuse = |message: String, hint: &str| Problem {
        origin: origin.clone(),
        message: format!("`{key}` {message}"),
        hint: Some(hint.to_owned()),
    };
    let set = environment(variable).filter(|text| !text.trim().is_empty()).map(Secret::new);
    let set = set.ok_or_else(|| {
        refuse(format!("names {variable}, which is not set"), "set the variable, or leave the key out")
    })?;
    // The text is not repeated: it is likely a secret.
    match set.expose().split_once(':') {
        Some((name, _)) if !name.trim().is_empty() => Ok(Some(set)),
        _ => Err(refuse(
            format!("names {variable}, which holds no header"),
            "write it like `Authorization: Bearer ...`",
        )),
    }
}

impl Resolver<'_> {
    pub(super) fn anchors(&mut self) -> Option<AnchorConfig> {
        match anchors(self.layers, self.environment) {
            Ok(anchors) => Some(anchors),
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }
}
