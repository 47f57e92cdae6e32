//! What the doctor found.

use serde::Serialize;

use crate::output;

/// How one check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Ok,
    /// Not as it should be.
    Fail,
    /// Could not be looked at because of another failure.
    Skipped,
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: String,
    /// How it ended.
    pub state: State,
    /// What was found, in plain words.
    pub found: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

/// The findings so far; with text output each is printed as it comes, as checks can take a while.
#[derive(Debug)]
pub struct Report {
    findings: Vec<Finding>,
    json: bool,
}

impl Report {
    /// An empty one.
    pub const fn new(json: bool) -> Self {
        Self { findings: Vec::new(), json }
    }

    /// All is well.
    ///
    /// # Errors
    /// Standard output cannot be written to.
    pub fn ok(&mut self, check: impl Into<String>, found: impl Into<String>) -> anyhow::Result<()> {
        self.add(Finding { check: check.into(), state: State::Ok, found: found.into(), remedy: None })
    }

    /// Something is wrong.
    ///
    /// # Errors
    /// Standard output cannot be written to.
    pub fn fail(&mut self, check: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) -> anyhow::Result<()> {
        self.add(Finding { check: check.into(), state: State::Fail, found: found.into(), remedy: Some(remedy.into()) })
    }

    /// It could not be looked at.
    ///
    /// # Errors
    /// Standard output cannot be written to.
    pub fn skip(&mut self, check: impl Into<String>, why: impl Into<String>) -> anyhow::Result<()> {
        self.add(Finding { check: check.into(), state: State::Skipped, found: why.into(), remedy: None })
    }

    fn add(&mut self, finding: Finding) -> anyhow::Result<()> {
        if !self.json {
            output::line(&line(&finding))?;
        }
        self.findings.push(finding);
        Ok(())
    }

    fn failed(&self) -> usize {
        self.findings.iter().filter(|finding| finding.state == State::Fail).count()
    }

    /// Ends the report; tells whether nothing failed.
    ///
    /// # Errors
    /// Standard output cannot be written to.
    pub fn end(self) -> anyhow::Result<bool> {
        let failed = self.failed();
        if self.json {
            output::object(&self.findings)?;
        } else {
            let total = self.findings.len();
            output::line(&if failed == 0 { format!("all {total} checks are well") } else { format!("{failed} of {total} checks failed") })?;
        }
        Ok(failed == 0)
    }
}

fn line(finding: &Finding) -> String {
    let word = match finding.state {
        State::Ok => "ok",
        State::Fail => "FAIL",
        State::Skipped => "skip",
    };
    let remedy = finding.remedy.as_ref().map(|remedy| format!("\n      -> {remedy}")).unwrap_or_default();
    format!("{word:<4}  {}: {}{remedy}", finding.check, finding.found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_to_do() {
        let finding = Finding { check: "database".into(), state: State::Fail, found: "away".into(), remedy: Some("start it".into()) };
        assert_eq!(line(&finding), "FAIL  database: away\n      -> start it");
        let finding = Finding { state: State::Ok, remedy: None, found: "answers".into(), ..finding };
        assert_eq!(line(&finding), "ok    database: answers");
    }

    #[test]
    fn only_a_failure_makes_the_report_bad() {
        let mut report = Report::new(true);
        report.ok("a", "fine").unwrap();
        report.skip("b", "no database").unwrap();
        assert_eq!(report.failed(), 0);
        report.fail("a", "bad", "mend it").unwrap();
        assert_eq!(report.failed(), 1);
    }
}
