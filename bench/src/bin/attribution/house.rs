//! The gateway that is asked, and the upstream behind it: every worker has a model of its own, so that each answer is the
//! one that was written for it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};
use waymark_testkit::{Reply, Upstream, Waymark};

use crate::plan::Emission;
use crate::words::Word;

/// So many ask at a time.
const WORKERS: usize = 3;
/// The models, and the provider of each.
const MODELS: [(&str, &str); 3] = [("claude", "beta"), ("gpt", "alpha"), ("coder", "gamma")];

/// What the next request for a model is answered with.
type Slots = Arc<Mutex<BTreeMap<String, Reply>>>;

/// The gateway and its upstream.
pub(crate) struct House {
    waymark: Waymark,
    slots: Slots,
    _upstream: Upstream,
}

impl House {
    pub(crate) fn new(binary: &Path) -> Self {
        let slots = Slots::default();
        let upstream = Upstream::forgetting({
            let slots = Arc::clone(&slots);
            move |request| {
                let model = request.model().unwrap_or_default();
                let slots = slots.lock().unwrap_or_else(PoisonError::into_inner);
                slots
                    .get(&model)
                    .cloned()
                    .unwrap_or_else(|| Reply::error(500, "nothing was written for this"))
            }
        });
        let mut waymark = Waymark::new(binary);
        waymark.env("SCRIPTED_KEY", "upstream-key");
        waymark.configure(&configuration(&upstream));
        Self { waymark, slots, _upstream: upstream }
    }

    pub(crate) fn start(&mut self) {
        self.waymark.start();
    }

    /// Stops the gateway: what it has recorded is in its ledger then.
    pub(crate) fn stop(&mut self) -> Result<()> {
        let output = self.waymark.stop();
        ensure!(output.code == Some(0) && !output.stderr.contains("panicked"), "the gateway: {output:?}");
        Ok(())
    }

    pub(crate) fn waymark(&self) -> &Waymark {
        &self.waymark
    }

    /// Asks for every emission: those of one file one after the other, those of several at the same time. The records,
    /// by the emissions' numbers.
    pub(crate) fn asks(&self, emissions: &[Emission]) -> Result<BTreeMap<usize, String>> {
        let mut files: BTreeMap<&str, Vec<&Emission>> = BTreeMap::new();
        for emission in emissions {
            files.entry(&emission.path).or_default().push(emission);
        }
        let files: Vec<Vec<&Emission>> = files.into_values().collect();
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..WORKERS.min(files.len()))
                .map(|worker| {
                    let (files, next) = (&files, &next);
                    scope.spawn(move || -> Result<Vec<(usize, String)>> {
                        let mut records = Vec::new();
                        while let Some(file) = files.get(next.fetch_add(1, Ordering::SeqCst)) {
                            for emission in file {
                                records.push((emission.number, self.ask(worker, emission)?));
                            }
                        }
                        Ok(records)
                    })
                })
                .collect();
            let mut records = BTreeMap::new();
            for worker in workers {
                match worker.join() {
                    Ok(of_worker) => records.extend(of_worker?),
                    Err(panicked) => std::panic::resume_unwind(panicked),
                }
            }
            Ok(records)
        })
    }

    /// Tells the gateway what an editor says.
    pub(crate) fn says(&self, word: &Word, record: Option<&str>, repository: &str) -> Result<()> {
        let body = word.body(record, repository);
        let answer = self.waymark.http().post("/v1/feedback", &[], body.to_string());
        ensure!(answer.status == 200, "{body}: {} {}", answer.status, answer.text());
        Ok(())
    }

    fn ask(&self, worker: usize, emission: &Emission) -> Result<String> {
        let model = format!("{}-{worker}", emission.model);
        let reply = emission.answer.reply().served_as(&emission.served());
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).insert(model.clone(), reply);
        let mut body = emission.asked.body.clone();
        body["model"] = model.into();
        let headers: Vec<(&str, &str)> =
            emission.asked.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        let path = emission.asked.path;
        let told = || format!("{} {path}, emission {}", emission.assistant.name(), emission.number);
        let exchange = self.waymark.http().open("POST", path, &headers, body.to_string().as_bytes());
        let answer = exchange.with_context(told)?.finish();
        ensure!(answer.status == 200 && answer.whole, "{}: {} {}", told(), answer.status, answer.text());
        let record = answer.headers.get("x-waymark-record").filter(|record| *record != "none");
        Ok(record.with_context(|| format!("{}: no record", told()))?.to_owned())
    }
}

fn configuration(upstream: &Upstream) -> String {
    let provider = |name: &str, kind: &str, base: &str| {
        format!(
            "[providers.{name}]\nkind = \"{kind}\"\nbase_url = \"{base}\"\napi_key_env = \"SCRIPTED_KEY\"\n\n"
        )
    };
    let mut text = provider("alpha", "openai", &upstream.openai_base());
    text += &provider("beta", "anthropic", &upstream.anthropic_base());
    text += &provider("gamma", "mistral", &upstream.openai_base());
    for (model, provider) in MODELS {
        for worker in 0..WORKERS {
            text += &format!(
                "[models.{model}-{worker}]\nprovider = \"{provider}\"\nid = \"{model}-{worker}\"\n\n"
            );
        }
    }
    text
}
