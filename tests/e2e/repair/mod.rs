//! What operators do: dead letters, holds, replays, rules applied again.

mod dead_letters;
mod dry_run;
mod holds;
mod reapply;
mod replay;

use serde_json::Value;

use crate::installation::Installation;
use crate::merchant::Merchant;

/// A command's output as JSON.
async fn json(installation: &Installation, arguments: &[&str]) -> Value {
    serde_json::from_str(&installation.orderbridge(&[arguments, &["--json"]].concat()).await).unwrap()
}

/// A command that is refused: its exit code and what it said.
async fn refused(installation: &Installation, arguments: &[&str]) -> (Option<i32>, String) {
    let output = installation.try_orderbridge(arguments).await;
    assert!(!output.status.success(), "{arguments:?} was not refused");
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), text)
}

/// How many calls changed something on either platform.
async fn writes(merchant: &Merchant<'_>) -> usize {
    let mut writes = 0;
    for platform in [&merchant.installation.bigcommerce, &merchant.installation.brightpearl] {
        writes += merchant.calls(platform, "").await.iter().filter(|call| call["method"] != "GET").count();
    }
    writes
}
