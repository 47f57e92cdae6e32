//! Registration of webhooks (BC §c, managing hooks).

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::context::Context;
use super::hook_input::{invalid, missing, read};
use super::reply::{Page, Reply, v3, v3_error, v3_field_error};
use crate::core::ApiResponse;

/// Hooks per store, client id and scope.
const PER_SCOPE_MAX: usize = 10;
/// The scope that tells of trouble with other hooks; a store and client id may have one hook for it.
pub(super) const EXCEPTION: &str = "store/hook/deliveryException";

/// One registered hook.
#[derive(Debug, Clone)]
pub(super) struct Hook {
    pub(super) id: i64,
    pub(super) client_id: String,
    pub(super) scope: String,
    pub(super) destination: String,
    pub(super) headers: Map<String, Value>,
    pub(super) active: bool,
    /// Switched off by the platform, not by its owner.
    pub(super) deactivated: bool,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) last_event: Timestamp,
    pub(super) last_exception: Option<Timestamp>,
}

impl Hook {
    /// Whether it wants events of a concrete scope.
    pub(super) fn wants(&self, scope: &str) -> bool {
        match self.scope.strip_suffix('*') {
            Some(prefix) => scope.starts_with(prefix),
            None => self.scope == scope,
        }
    }

    fn to_json(&self, store_hash: &str) -> Value {
        let headers = if self.headers.is_empty() { Value::Null } else { json!(self.headers) };
        json!({ "id": self.id, "client_id": self.client_id, "store_hash": store_hash, "scope": self.scope,
            "destination": self.destination, "headers": headers, "is_active": self.active,
            "created_at": self.created.as_second(), "updated_at": self.updated.as_second(),
            "events_history_enabled": false })
    }

    const fn state(&self) -> &'static str {
        match (self.active, self.deactivated) {
            (true, _) => "active",
            (false, true) => "deactivated",
            (false, false) => "inactive",
        }
    }
}

/// `/v3/hooks…`.
pub(super) fn route(ctx: &mut Context<'_>, rest: &[&str], blocked: &[Value]) -> Reply {
    match (ctx.method(), rest) {
        ("GET", []) => list(ctx),
        ("POST", []) => create(ctx),
        ("GET", ["admin"]) => admin(ctx, blocked),
        ("PUT", ["admin"]) => set_admin(ctx),
        ("GET", [id]) => {
            let id = find(ctx, id)?;
            shown(ctx, id)
        }
        ("PUT", [id]) => update(ctx, id),
        ("DELETE", [id]) => {
            let id = find(ctx, id)?;
            let answer = shown(ctx, id)?;
            ctx.store.hooks.remove(&id);
            Ok(answer)
        }
        (_, [] | [_]) => Err(v3_error(405, "Method not allowed")),
        _ => Err(v3_error(404, "The requested resource was not found")),
    }
}

/// The id of one of the caller's own hooks; another account's is as good as absent.
fn find(ctx: &Context<'_>, id: &str) -> Result<i64, ApiResponse> {
    let known = id.parse().ok().and_then(|id: i64| ctx.store.hooks.get(&id));
    let known = known.filter(|hook| hook.client_id == ctx.client_id);
    known.map(|hook| hook.id).ok_or_else(|| v3_error(404, &format!("Webhook with id [{id}] not found")))
}

fn shown(ctx: &Context<'_>, id: i64) -> Reply {
    let hook = ctx.store.hooks.get(&id).ok_or_else(|| v3_error(404, "Webhook not found"))?;
    Ok(v3(200, &hook.to_json(&ctx.store.hash)))
}

fn list(ctx: &Context<'_>) -> Reply {
    let page = Page::v3(ctx.request, 250, ctx.clamps())?;
    let active = ctx.request.param("is_active").map(|text| text == "true" || text == "1");
    let wanted = |hook: &&Hook| {
        hook.client_id == ctx.client_id
            && active.is_none_or(|active| hook.active == active)
            && ctx.request.param("scope").is_none_or(|scope| hook.scope == scope)
            && ctx.request.param("destination").is_none_or(|url| hook.destination == url)
    };
    let rows = ctx.store.hooks.values().filter(wanted).map(|hook| hook.to_json(&ctx.store.hash)).collect();
    Ok(page.v3_list(ctx.request, rows))
}

/// The per-scope limit, the one-hook-per-destination rule and the single hook for trouble with others.
fn check_room(ctx: &Context<'_>, id: i64, scope: &str, destination: &str) -> Result<(), ApiResponse> {
    let others = || ctx.store.hooks.values().filter(|hook| hook.id != id && hook.client_id == ctx.client_id && hook.scope == scope);
    if others().any(|hook| hook.destination == destination) {
        let status = ctx.switches.get("duplicate_hook_status").parse().unwrap_or(422);
        let why = "a hook with this scope and destination already exists";
        return Err(v3_field_error(status, "The hook already exists.", "destination", why));
    }
    if scope == EXCEPTION && others().next().is_some() {
        return Err(v3_field_error(422, "The limit of hooks is reached.", "scope", "only one hook may have this scope"));
    }
    if others().count() >= PER_SCOPE_MAX {
        let why = format!("at most {PER_SCOPE_MAX} hooks may have one scope");
        return Err(v3_field_error(422, "The limit of hooks is reached.", "scope", &why));
    }
    Ok(())
}

fn create(ctx: &mut Context<'_>) -> Reply {
    let wish = read(ctx)?;
    let scope = wish.scope.ok_or_else(|| missing("scope"))?;
    let destination = wish.destination.ok_or_else(|| missing("destination"))?;
    check_room(ctx, 0, &scope, &destination)?;
    let id = ctx.store.next_id("hook", 28_048_287);
    let hook = Hook {
        id,
        client_id: ctx.client_id.clone(),
        scope,
        destination,
        headers: wish.headers.unwrap_or_default(),
        active: wish.active.unwrap_or(true),
        deactivated: false,
        created: ctx.now,
        updated: ctx.now,
        last_event: ctx.now,
        last_exception: None,
    };
    ctx.store.hooks.insert(id, hook);
    shown(ctx, id)
}

fn update(ctx: &mut Context<'_>, id: &str) -> Reply {
    let id = find(ctx, id)?;
    let wish = read(ctx)?;
    let nothing = wish.scope.is_none() && wish.destination.is_none() && wish.headers.is_none();
    if nothing && wish.active.is_none() && !wish.history {
        let title = "The following fields are invalid: data";
        return Err(v3_field_error(422, title, "data", "Update webhook request should not be empty"));
    }
    let Some(mut hook) = ctx.store.hooks.get(&id).cloned() else {
        return Err(v3_error(404, "Webhook not found"));
    };
    hook.scope = wish.scope.unwrap_or(hook.scope);
    hook.destination = wish.destination.unwrap_or(hook.destination);
    check_room(ctx, id, &hook.scope, &hook.destination)?;
    hook.headers = wish.headers.unwrap_or(hook.headers);
    if let Some(active) = wish.active {
        hook.active = active;
        hook.deactivated = false;
        hook.last_event = ctx.now;
    }
    hook.updated = ctx.now;
    ctx.store.hooks.insert(id, hook);
    shown(ctx, id)
}

fn admin(ctx: &Context<'_>, blocked: &[Value]) -> Reply {
    let active = ctx.request.param("is_active").map(|text| text == "true" || text == "1");
    let mut rows = Vec::new();
    for hook in ctx.store.hooks.values().filter(|hook| hook.client_id == ctx.client_id) {
        if active.is_some_and(|active| hook.active != active) {
            continue;
        }
        let mut row = hook.to_json(&ctx.store.hash);
        if let Some(row) = row.as_object_mut() {
            row.insert("status".to_owned(), json!(hook.state()));
        }
        rows.push(row);
    }
    Ok(v3(200, &json!({ "emails": ctx.store.admin_emails, "hooks_list": rows, "blocked_domains": blocked })))
}

fn set_admin(ctx: &mut Context<'_>) -> Reply {
    let body = ctx.v3_body()?;
    let rows = body.get("emails").and_then(Value::as_array).ok_or_else(|| missing("emails"))?;
    let emails: Option<Vec<String>> = rows.iter().map(|row| row.as_str().filter(|text| text.contains('@')).map(str::to_owned)).collect();
    ctx.store.admin_emails = emails.ok_or_else(invalid)?;
    Ok(ApiResponse::empty(204))
}
