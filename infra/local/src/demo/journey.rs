//! The state of the demo: its current step, the addresses, and the signed-in people.

use std::time::Duration;

use domain::Zone;
use serde_json::Value;
use tokio::time::Instant;

use super::api_client::{ApiClient, root_cause};
use super::{Failure, Mismatch, Options};
use crate::{DemoUser, Description, Terminal, loopback};

/// How long to wait for a change.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The time between two checks for a change.
const POLL_INTERVAL: Duration = Duration::from_millis(150);

/// A signed-in person.
#[derive(Debug, Clone)]
pub(super) struct Actor {
    pub(super) user: DemoUser,
    pub(super) token: String,
}

/// A run of the demo.
pub(super) struct Journey {
    pub(super) api: ApiClient,
    pub(super) zone: Zone,
    pub(super) sign_in: String,
    /// The URL of the Stripe simulator.
    pub(super) stripe: String,
    pub(super) expert: Actor,
    pub(super) client: Actor,
    pub(super) other_client: Actor,
    step: u32,
    title: String,
}

impl Journey {
    /// Finds the running stack.
    pub(super) async fn start(terminal: Terminal, options: Options) -> Result<Self, Failure> {
        let Options { url, time_zone } = options;
        let http = loopback::client().map_err(Failure::Setup)?;
        let api = ApiClient { http, terminal, url: url.clone() };
        terminal.heading("1. Check that Expert Connect is running");
        let not_running =
            |error: reqwest::Error| Failure::NotRunning { url: url.clone(), reason: root_cause(&error) };
        let health = api.http.get(format!("{url}/health")).send().await.map_err(not_running)?;
        let not_expert_connect = |reason: String| Failure::NotExpertConnect { url: url.clone(), reason };
        let health: Value =
            health.json().await.map_err(|_| not_expert_connect("/health is not JSON".to_owned()))?;
        if health["status"] != "ok" {
            return Err(not_expert_connect(format!("/health returns {health}")));
        }
        terminal.print("    GET /health → 200");
        let local = api.http.get(format!("{url}/local.json")).send().await.map_err(not_running)?;
        let local: Description = local.json().await.map_err(|error| {
            not_expert_connect(format!(
                "/local.json does not have the addresses of the sign-in service and Stripe ({})",
                root_cause(&error)
            ))
        })?;
        let stripe = local.addresses.stripe_simulator.clone().ok_or(Failure::NoStripeSimulator)?;
        terminal.print(format_args!(
            "    Version {}. Times are in {}.",
            health["version"].as_str().unwrap_or("unknown"),
            time_zone.name()
        ));
        let actor = |subject: &str| {
            let user = local.people.iter().find(|user| user.subject == subject).cloned();
            let user =
                user.ok_or_else(|| not_expert_connect(format!("/local.json has no person {subject}")))?;
            Ok::<_, Failure>(Actor { user, token: String::new() })
        };
        Ok(Self {
            expert: actor("ada")?,
            client: actor("alan")?,
            other_client: actor("katherine")?,
            sign_in: local.addresses.sign_in,
            api,
            zone: time_zone,
            stripe,
            step: 1,
            title: String::new(),
        })
    }

    /// Starts the next step and prints its title.
    pub(super) fn step(&mut self, title: impl Into<String>) {
        self.step += 1;
        self.title = title.into();
        self.api.terminal.heading(format_args!("{}. {}", self.step, self.title));
    }

    /// Prints a line about the step.
    pub(super) fn print(&self, line: impl std::fmt::Display) {
        self.api.terminal.print(format_args!("    {line}"));
    }

    /// The failure of the current step.
    pub(super) fn failed_at(&self, mismatch: Mismatch) -> Failure {
        let Mismatch { what, expected, actual } = mismatch;
        Failure::Unexpected { step: self.step, title: self.title.clone(), what, expected, actual }
    }

    /// Gets tokens from a shortcut of the sign-in service; an application would use the authorization code flow.
    pub(super) async fn sign_in(&mut self) -> Result<(), Mismatch> {
        self.step("The expert and two clients sign in");
        let mut tokens = Vec::new();
        for actor in [&self.expert, &self.client, &self.other_client] {
            let address = format!("{}/people/{}/token", self.sign_in, actor.user.subject);
            let response: Value = self.api.post(&address).send().await?.document(200)?;
            tokens.push(super::api_client::text(&response, "/access_token")?.to_owned());
            self.print(format_args!("{}: {}", actor.user.name, actor.user.groups.join(", ")));
        }
        for (actor, token) in
            [&mut self.expert, &mut self.client, &mut self.other_client].into_iter().zip(tokens)
        {
            actor.token = token;
        }
        Ok(())
    }

    /// Reads an appointment as the client until the text at a JSON pointer has this value.
    pub(super) async fn wait_until(&self, id: &str, pointer: &str, value: &str) -> Result<Value, Mismatch> {
        let path = format!("/v1/appointments/{id}");
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let response = self.api.get(&path).signed_in(&self.client.token).quiet().send().await?;
            let appointment: Value = response.document(200)?;
            let actual = super::api_client::text(&appointment, pointer)?;
            if actual == value {
                self.print(format_args!("GET {path} → 200"));
                return Ok(appointment);
            }
            if Instant::now() >= deadline {
                let what = format!("{pointer} of {path}, after waiting for {} s", TIMEOUT.as_secs());
                return Err(Mismatch::new(what, value, actual));
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}
