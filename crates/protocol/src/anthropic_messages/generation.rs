//! What a model takes, told from its name: Anthropic's generations answer 400 to each other's settings.
//!
//! The rules are the provider's migration guides as of November 2026. A name that is not Anthropic's own belongs to
//! another server that speaks the dialect; nothing is held back from it. One of Anthropic's names without a version is
//! taken for the newest generation, whose rules are the strictest.

/// What one model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Generation {
    /// `None` for models that are not Anthropic's.
    version: Option<(u16, u16)>,
    family: Family,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Opus,
    Sonnet,
    Haiku,
    /// Fable and Mythos.
    Fable,
    Other,
}

/// How thinking is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thinking {
    /// Not at all.
    Never,
    /// By a budget.
    Budget,
    /// By a budget, or left to the model.
    Either,
    /// Left to the model.
    Adaptive,
}

/// How thinking is switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Off {
    /// `disabled`.
    Disabled,
    /// By saying nothing.
    Omitted,
    /// `between_tools`, the least there is.
    BetweenTools,
    /// It cannot be.
    Never,
}

const NEWEST: (u16, u16) = (5, 5);

impl Generation {
    /// Reads a model's name, with or without a vendor's prefix, a date or a context suffix.
    pub(super) fn of(model: &str) -> Self {
        let name = model.to_ascii_lowercase();
        if !name.contains("claude") {
            return Self { version: None, family: Family::Other };
        }
        let (mut family, mut numbers) = (Family::Other, Vec::new());
        for word in name.split(['-', '.', '@', ':', '/', '[', '_']) {
            match word {
                "opus" => family = Family::Opus,
                "sonnet" => family = Family::Sonnet,
                "haiku" => family = Family::Haiku,
                "fable" | "mythos" => family = Family::Fable,
                // A date ends the version.
                _ if word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_digit()) => break,
                _ => numbers.extend(word.parse::<u16>().ok().filter(|_| word.len() < 3)),
            }
        }
        let version = match numbers[..] {
            [] => NEWEST,
            [major] => (major, 0),
            [major, minor, ..] => (major, minor),
        };
        Self { version: Some(version), family }
    }

    /// Whether the model is one of Anthropic's.
    pub(super) fn is_known(self) -> bool {
        self.version.is_some()
    }

    fn since(self, version: (u16, u16)) -> bool {
        self.version.is_some_and(|own| own >= version)
    }

    fn before(self, version: (u16, u16)) -> bool {
        self.version.is_some_and(|own| own < version)
    }

    /// Whether temperature, `top_p` and `top_k` may be set.
    pub(super) fn samples(self) -> bool {
        !self.since((4, 7))
    }

    /// Whether only one of temperature and `top_p` may be set.
    pub(super) fn samples_one_way(self) -> bool {
        self.since((4, 1))
    }

    /// How thinking is asked for.
    pub(super) fn thinking(self) -> Thinking {
        match self.version {
            None => Thinking::Either,
            Some(version) if version < (3, 7) => Thinking::Never,
            Some(version) if version < (4, 6) => Thinking::Budget,
            Some(version) if version < (4, 7) => Thinking::Either,
            Some(_) => Thinking::Adaptive,
        }
    }

    /// How thinking is switched off.
    pub(super) fn off(self) -> Off {
        match self.family {
            Family::Fable => Off::Never,
            Family::Opus if self.since((5, 5)) => Off::Never,
            Family::Sonnet if self.since((5, 5)) => Off::BetweenTools,
            _ if self.before((3, 7)) || (self.since((4, 7)) && self.before((5, 0))) => Off::Omitted,
            _ => Off::Disabled,
        }
    }

    /// Whether `output_config.effort` may be set.
    pub(super) fn has_effort(self) -> bool {
        self.since((4, 6)) || (self.family == Family::Opus && self.since((4, 5)))
    }

    /// Whether effort goes beyond `high`.
    pub(super) fn has_max_effort(self) -> bool {
        self.since((4, 6))
    }

    /// Whether a tool call may be required.
    pub(super) fn can_force_tools(self) -> bool {
        match self.family {
            Family::Fable => self.before((5, 1)),
            Family::Opus | Family::Sonnet => !self.since((5, 5)),
            Family::Haiku | Family::Other => true,
        }
    }

    /// Whether answers and arguments can be held to a schema.
    pub(super) fn has_schemas(self) -> bool {
        !self.before((4, 5))
    }

    /// Whether instructions may stand in the middle of the conversation.
    pub(super) fn has_system_turns(self) -> bool {
        match self.family {
            Family::Opus => self.since((4, 8)),
            Family::Fable => self.since((5, 0)),
            Family::Sonnet | Family::Haiku | Family::Other => self.since((5, 5)),
        }
    }

    /// Whether the last turn may be the assistant's, to be continued.
    pub(super) fn continues_assistant(self) -> bool {
        !self.since((4, 6))
    }

    /// `max_tokens` for a request that names none: what every model of the generation takes, and enough for a file.
    /// Other servers' limits are not known, so less is asked of them.
    pub(super) fn max_output(self) -> u64 {
        match self.version {
            None => 16_384,
            Some(version) if version < (3, 5) => 4_096,
            Some(version) if version < (3, 7) => 8_192,
            Some(_) => 32_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_ages_are_read() {
        let cases = [
            ("claude-3-haiku-20240307", (3, 0)),
            ("claude-3-7-sonnet-latest", (3, 7)),
            ("claude-sonnet-4-20250514", (4, 0)),
            ("us.anthropic.claude-opus-4-5-20251101-v1:0", (4, 5)),
            ("claude-opus-4@20250514", (4, 0)),
            ("anthropic/claude-sonnet-4.6", (4, 6)),
            ("claude-opus-5[1m]", (5, 0)),
            ("claude-haiku-5-5", (5, 5)),
            ("claude-2.1", (2, 1)),
            ("claude-sonnet-latest", NEWEST),
        ];
        for (name, version) in cases {
            assert_eq!(Generation::of(name).version, Some(version), "{name}");
        }
        assert!(!Generation::of("mock-small-2026-01-01").is_known());
    }

    #[test]
    fn each_generation_has_its_own_settings() {
        let of = Generation::of;
        assert!(of("claude-haiku-4-5").samples() && !of("claude-opus-4-7").samples());
        assert_eq!(of("claude-sonnet-4-5").thinking(), Thinking::Budget);
        assert_eq!(of("claude-opus-4-6").thinking(), Thinking::Either);
        assert_eq!(of("claude-sonnet-5").thinking(), Thinking::Adaptive);
        assert_eq!(of("claude-opus-5").off(), Off::Disabled);
        assert_eq!(of("claude-opus-4-8").off(), Off::Omitted);
        assert_eq!(of("claude-opus-5-5").off(), Off::Never);
        assert_eq!(of("claude-sonnet-5-5").off(), Off::BetweenTools);
        assert_eq!(of("claude-fable-5").off(), Off::Never);
        assert!(of("claude-opus-5").can_force_tools() && !of("claude-opus-5-5").can_force_tools());
        assert!(of("claude-opus-4-8").has_system_turns() && !of("claude-sonnet-5").has_system_turns());
        assert!(of("other").samples() && of("other").has_schemas() && of("other").continues_assistant());
    }
}
