//! What a model's name tells of what it takes: the generations differ in how reasoning is asked for.

/// A model, as far as its name tells.
pub(super) struct Model {
    is_gemini: bool,
    /// The generation; `None` for names without one, such as `gemini-flash-latest`, which mean the newest.
    generation: Option<u32>,
    is_pro: bool,
    /// The name, for where it is part of the body.
    pub(super) name: String,
}

impl Model {
    pub(super) fn named(name: &str) -> Self {
        let name = name.strip_prefix("models/").unwrap_or(name);
        let lower = name.to_ascii_lowercase();
        let version = lower.split_once("gemini-").map(|(_, version)| version);
        let digits = version.map(|version| version.split(|letter: char| !letter.is_ascii_digit()).next());
        Self {
            is_gemini: version.is_some(),
            generation: digits.flatten().and_then(|digits| digits.parse().ok()),
            is_pro: lower.split(['-', '.']).any(|word| word == "pro"),
            name: name.to_owned(),
        }
    }

    /// From the third generation on, reasoning is asked for by level, tool calls must bring their signatures back,
    /// and tool results may hold media.
    fn is_third_or_later(&self) -> bool {
        self.generation.is_none_or(|generation| generation >= 3)
    }

    /// Whether a tool call without a signature is refused.
    pub(super) fn wants_signatures(&self) -> bool {
        self.is_gemini && self.is_third_or_later()
    }

    /// Whether a tool result may hold media.
    pub(super) fn takes_media_in_results(&self) -> bool {
        self.is_gemini && self.is_third_or_later()
    }

    /// Whether tools' schemas can be kept to exactly while the model may also answer in words.
    pub(super) fn validates_calls(&self) -> bool {
        self.is_gemini && self.is_third_or_later()
    }

    /// Whether reasoning is asked for by level; earlier ones take a budget.
    pub(super) fn has_levels(&self) -> bool {
        self.is_third_or_later()
    }

    /// Whether it always reasons a little and knows no lowest level.
    pub(super) fn is_pro(&self) -> bool {
        self.is_pro
    }

    /// The largest budget for reasoning.
    pub(super) fn max_budget(&self) -> u64 {
        if self.is_pro { 32_768 } else { 24_576 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_are_told_from_names() {
        let cases = [
            ("gemini-2.5-pro", false, false, true),
            ("gemini-2.5-flash-lite", false, false, false),
            ("models/gemini-3.1-pro-preview", true, true, true),
            ("google/gemini-4-flash", true, true, false),
            ("gemini-flash-latest", true, true, false),
            ("gemma-3-27b-it", false, true, false),
        ];
        for (name, signatures, levels, pro) in cases {
            let model = Model::named(name);
            assert_eq!(
                (model.wants_signatures(), model.has_levels(), model.is_pro()),
                (signatures, levels, pro),
                "{name}"
            );
        }
    }
}
