//! Logs and metrics.

use std::io::IsTerminal;

use serde::Deserialize;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "String")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

impl TryFrom<String> for LogFormat {
    type Error = &'static str;

    fn try_from(word: String) -> Result<Self, Self::Error> {
        match word.as_str() {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("must be text or json"),
        }
    }
}

/// Logging, under `[log]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// How lines look.
    pub format: LogFormat,
    /// What is logged, such as `info,orderbridge_processor=debug`.
    pub filter: String,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info,actix_server=warn".into() }
    }
}

impl LogSettings {
    /// What is wrong with them.
    pub fn problems(&self) -> Vec<String> {
        let parsed = EnvFilter::builder().parse(&self.filter);
        parsed.err().map(|error| format!("log.filter cannot be read: {error}")).into_iter().collect()
    }

    /// Installs logging to standard error for the whole process; standard output is for results.
    ///
    /// # Errors
    /// The filter cannot be read, or logging is installed already.
    pub fn install(&self) -> anyhow::Result<()> {
        let filter = EnvFilter::builder().parse(&self.filter)?;
        let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_span_events(FmtSpan::NONE);
        let installed = match self.format {
            LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).try_init(),
            LogFormat::Json => lines.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init(),
        };
        installed.map_err(|error| anyhow::anyhow!("logging could not be set up: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_cannot_be_read_is_named() {
        assert_eq!(LogSettings::default().problems(), Vec::<String>::new());
        let wrong = LogSettings { filter: "orderbridge=loud".into(), ..LogSettings::default() };
        assert!(wrong.problems()[0].starts_with("log.filter cannot be read"), "{:?}", wrong.problems());
    }
}
