//! Where the demo is, and what it knows.

use std::time::Duration;

use domain::Zone;
use serde_json::Value;
use tokio::time::Instant;

use super::caller::{Caller, innermost};
use super::{Failure, Options, Wrong};
use crate::{Description, Somebody, Terminal, plain_http};

/// How long to wait for something to become true.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often to look.
const PAUSE: Duration = Duration::from_millis(150);

/// Somebody who signed in.
#[derive(Debug, Clone)]
pub(super) struct Actor {
    pub(super) somebody: Somebody,
    pub(super) token: String,
}

/// A walk through the product.
pub(super) struct Journey {
    pub(super) caller: Caller,
    pub(super) zone: Zone,
    pub(super) sign_in: String,
    /// Address of the Stripe simulator.
    pub(super) stripe: String,
    pub(super) expert: Actor,
    pub(super) client: Actor,
    pub(super) rival: Actor,
    step: u32,
    title: String,
}

impl Journey {
    /// Finds the stack.
    pub(super) async fn begin(terminal: Terminal, options: Options) -> Result<Self, Failure> {
        let Options { url, time_zone } = options;
        let http = plain_http::client().map_err(Failure::Inside)?;
        let caller = Caller { http, terminal, url: url.clone() };
        terminal.headline("1. Is it running?");
        let not_running =
            |error: reqwest::Error| Failure::NotRunning { url: url.clone(), reason: innermost(&error) };
        let health = caller.http.get(format!("{url}/health")).send().await.map_err(not_running)?;
        let something_else = |reason: String| Failure::SomethingElse { url: url.clone(), reason };
        let health: Value =
            health.json().await.map_err(|_| something_else("/health is no JSON document".to_owned()))?;
        if health["status"] != "ok" {
            return Err(something_else(format!("/health says {health}")));
        }
        terminal.say("    GET /health → 200");
        let local = caller.http.get(format!("{url}/local.json")).send().await.map_err(not_running)?;
        let local: Description = local.json().await.map_err(|error| {
            something_else(format!(
                "/local.json does not say where sign-in and Stripe are ({})",
                innermost(&error)
            ))
        })?;
        let stripe = local.addresses.stripe_simulator.clone().ok_or(Failure::RealStripe)?;
        terminal.say(format_args!(
            "    Yes, version {}. Times are shown in {}.",
            health["version"].as_str().unwrap_or("unknown"),
            time_zone.name()
        ));
        let actor = |subject: &str| {
            let somebody = local.people.iter().find(|somebody| somebody.subject == subject).cloned();
            let somebody = somebody.ok_or_else(|| something_else(format!("nobody is called {subject}")))?;
            Ok::<_, Failure>(Actor { somebody, token: String::new() })
        };
        Ok(Self {
            expert: actor("ada")?,
            client: actor("alan")?,
            rival: actor("katherine")?,
            sign_in: local.addresses.sign_in,
            caller,
            zone: time_zone,
            stripe,
            step: 1,
            title: String::new(),
        })
    }

    /// Begins the next step.
    pub(super) fn step(&mut self, title: impl Into<String>) {
        self.step += 1;
        self.title = title.into();
        self.caller.terminal.headline(format_args!("{}. {}", self.step, self.title));
    }

    /// Says something about the step.
    pub(super) fn say(&self, line: impl std::fmt::Display) {
        self.caller.terminal.say(format_args!("    {line}"));
    }

    /// Where something was not as it should be.
    pub(super) fn failed_at(&self, wrong: Wrong) -> Failure {
        let Wrong { what, expected, came } = wrong;
        Failure::Unexpected { step: self.step, title: self.title.clone(), what, expected, came }
    }

    /// Gets tokens from the sign-in service's convenience endpoint; an application would use the code flow.
    pub(super) async fn sign_in(&mut self) -> Result<(), Wrong> {
        self.step("Everybody signs in");
        let mut tokens = Vec::new();
        for actor in [&self.expert, &self.client, &self.rival] {
            let address = format!("{}/people/{}/token", self.sign_in, actor.somebody.subject);
            let answer: Value = self.caller.post(&address).send().await?.document(200)?;
            tokens.push(super::caller::text(&answer, "/access_token")?.to_owned());
            self.say(format_args!("{} is in: {}", actor.somebody.name, actor.somebody.groups.join(", ")));
        }
        for (actor, token) in [&mut self.expert, &mut self.client, &mut self.rival].into_iter().zip(tokens) {
            actor.token = token;
        }
        Ok(())
    }

    /// Reads an appointment as the client until a member has a value.
    pub(super) async fn wait_until(&self, id: &str, pointer: &str, value: &str) -> Result<Value, Wrong> {
        let path = format!("/v1/appointments/{id}");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.caller.get(&path).signed_in(&self.client.token).quietly().send().await?;
            let appointment: Value = answer.document(200)?;
            let came = super::caller::text(&appointment, pointer)?;
            if came == value {
                self.say(format_args!("GET {path} → 200"));
                return Ok(appointment);
            }
            if Instant::now() >= deadline {
                let what =
                    format!("{pointer} of {path}, {} s after it should have changed", PATIENCE.as_secs());
                return Err(Wrong::new(what, value, came));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
