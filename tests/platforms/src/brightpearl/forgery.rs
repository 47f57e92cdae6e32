//! Forged webhook calls: nothing is signed, so anyone can send one; what a stranger does not know is the secret in the URL and the
//! literal in the body (BP §d.5, §l.11).

use serde_json::Value;

use super::webhook::Hook;

/// What the forger got wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spoil {
    /// The last part of the URL's path.
    Url,
    /// The literal texts of the body.
    Body,
    /// Both.
    Both,
    /// Nothing: every app of the account can read every hook.
    Nothing,
}

impl Spoil {
    /// By its name in the control API.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "url" => Self::Url,
            "body" => Self::Body,
            "both" => Self::Both,
            "nothing" => Self::Nothing,
            _ => return None,
        })
    }

    /// Whether the hook has what is to be spoilt.
    pub fn fits(self, hook: &Hook) -> bool {
        let (uri, body) = self.templates(hook);
        (uri != hook.uri_template || !matches!(self, Self::Url | Self::Both))
            && (body != hook.body_template || !matches!(self, Self::Body | Self::Both))
    }

    /// The hook's templates as the forger has them.
    pub fn templates(self, hook: &Hook) -> (String, String) {
        let uri = if matches!(self, Self::Url | Self::Both) { spoilt_uri(&hook.uri_template) } else { hook.uri_template.clone() };
        let body = if matches!(self, Self::Body | Self::Both) { spoilt_body(&hook.body_template) } else { hook.body_template.clone() };
        (uri, body)
    }
}

/// Other letters in the same number.
fn other(text: &str) -> String {
    text.chars().map(|letter| if letter == 'x' { 'y' } else { 'x' }).collect()
}

fn spoilt_uri(template: &str) -> String {
    let (path, query) = template.split_once('?').map_or((template, None), |(path, query)| (path, Some(query)));
    let Some((head, last)) = path.rsplit_once('/').filter(|(head, last)| head.contains("://") && !head.ends_with('/') && !last.is_empty()) else {
        return template.to_owned();
    };
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{head}/{}{query}", if last.contains("${") { "x".to_owned() } else { other(last) })
}

fn spoilt_body(template: &str) -> String {
    let Ok(Value::Object(mut fields)) = serde_json::from_str(template) else { return template.to_owned() };
    let literals: Vec<String> = fields.values().filter_map(Value::as_str).filter(|text| !text.contains("${")).map(str::to_owned).collect();
    if literals.is_empty() {
        return template.to_owned();
    }
    for value in fields.values_mut() {
        if let Some(text) = value.as_str().filter(|text| !text.contains("${")) {
            *value = Value::String(other(text));
        }
    }
    Value::Object(fields).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_secret_parts_change() {
        assert_eq!(spoilt_uri("https://us.example/hooks/bp/c1/s3cr3t"), "https://us.example/hooks/bp/c1/xxxxxx");
        assert_eq!(spoilt_uri("https://us.example/hooks/x?t=1"), "https://us.example/hooks/y?t=1");
        assert_eq!(spoilt_uri("https://us.example/"), "https://us.example/");
        assert_eq!(spoilt_uri("https://us.example"), "https://us.example");
        assert_eq!(spoilt_body(r#"{"id":"${resource-id}","k":"abc"}"#), r#"{"id":"${resource-id}","k":"xxx"}"#);
        assert_eq!(spoilt_body(r#"{"id":"${resource-id}"}"#), r#"{"id":"${resource-id}"}"#);
    }
}
