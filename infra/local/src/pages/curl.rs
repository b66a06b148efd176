//! Commands that send a request of an operation, to copy.

use app::AppError;
use app::identity::signed_in::Role;
use domain::Timestamp;
use domain::kernel::time::DAY;
use http_api::{Audience, Route};
use serde_json::{Value, json};

use super::first_slot;
use crate::{DemoUser, Environment, Offer};

/// What the commands know of this system, so that they can be run as they are.
pub(super) struct Caller {
    /// The address of the API.
    api: String,
    /// The address of the sign-in service.
    sign_in: String,
    /// The people who can sign in.
    people: Vec<DemoUser>,
    /// What can be booked; `None` if there is nothing yet.
    pub(super) offer: Option<Offer>,
    /// The next start that can be booked; `None` if there is none.
    start: Option<Timestamp>,
}

/// The subject of the client whom the commands sign in. It is the same on every page, because nobody else can read the appointments
/// that its commands book.
pub(super) const CLIENT: &str = "alan";

impl Caller {
    /// Reads what the commands need.
    ///
    /// # Errors
    /// If the database does not respond.
    pub(super) async fn new(environment: &Environment) -> Result<Self, AppError> {
        let addresses = &environment.addresses;
        let offer = environment.first_offer().await?;
        let start = match &offer {
            Some(offer) => first_slot(environment, offer, environment.app.now().plus(DAY)).await.ok(),
            None => None,
        };
        Ok(Self {
            api: addresses.api.clone(),
            sign_in: addresses.sign_in.clone(),
            people: environment.people(),
            offer,
            start,
        })
    }

    /// The value of a parameter, or of a member of a body, for what can be booked. `None` if it does not depend on that.
    fn value(&self, name: &str) -> Option<Value> {
        let offer = self.offer.as_ref()?;
        match name {
            "expert_id" => Some(offer.expert.to_string().into()),
            "session_type_id" => Some(offer.session_type.to_string().into()),
            "duration_minutes" => Some(offer.duration_minutes.into()),
            "start" => Some(self.start?.to_string().into()),
            "starts" => Some(vec![self.start?.to_string()].into()),
            "expected_price" => {
                let price = offer.price?;
                Some(json!({ "amount": price.amount(), "currency": price.currency().code() }))
            }
            _ => None,
        }
    }

    /// The example of a body, for what can be booked.
    fn body(&self, example: &Value) -> Value {
        let mut body = example.clone();
        for (name, value) in body.as_object_mut().into_iter().flatten() {
            if let Some(own) = self.value(name) {
                *value = own;
            }
        }
        body
    }

    /// The command that signs in somebody with this role: the expert of [`Self::offer`] if there is one, and [`CLIENT`].
    fn token_of(&self, role: Role) -> Option<String> {
        let group = match role {
            Role::Expert => "expert",
            Role::Client => "client",
            Role::Admin => "admin",
        };
        let offered = self.offer.as_ref().map(|offer| offer.expert);
        let is_preferred = |user: &&DemoUser| match role {
            Role::Expert => Some(user.expert_id) == offered,
            Role::Client => user.subject == CLIENT,
            Role::Admin => false,
        };
        let users = || self.people.iter().filter(|user| user.is_in(group));
        let user = users().find(is_preferred).or_else(|| users().next())?;
        Some(token(&self.sign_in, &user.subject))
    }

    /// The commands that sign in somebody with each role.
    pub(super) fn tokens(&self) -> String {
        let roles =
            [(Role::Client, "a client"), (Role::Expert, "an expert"), (Role::Admin, "an administrator")];
        let command = |(role, who)| Some(format!("{}  # {who}", self.token_of(role)?));
        roles.into_iter().filter_map(command).collect::<Vec<_>>().join("\n")
    }

    /// The command that signs in somebody who may call the route; `None` if it needs no token.
    pub(super) fn token_for(&self, route: &Route) -> Option<String> {
        match route.audience {
            Audience::Public | Audience::Provider => None,
            Audience::Only(role) => self.token_of(role),
            // What belongs to an expert.
            Audience::SignedIn if route.path.starts_with("/v1/experts") => self.token_of(Role::Expert),
            Audience::SignedIn => self.token_of(Role::Client),
        }
    }
}

/// The command that signs in a person and stores their access token in `TOKEN`.
pub(super) fn token(sign_in: &str, subject: &str) -> String {
    format!(
        "TOKEN=$(curl -sX POST {sign_in}/people/{subject}/token | sed 's/.*\"access_token\":\"\\([^\"]*\\).*/\\1/')"
    )
}

/// The variables of the shell that a command needs besides `TOKEN`.
pub(super) fn variables(command: &str) -> Vec<&str> {
    let is_of_name = |character: char| character.is_ascii_uppercase() || character == '_';
    let names =
        command.split('$').skip(1).map(|rest| rest.split(|one| !is_of_name(one)).next().unwrap_or_default());
    let mut names: Vec<_> = names.filter(|name| !["", "TOKEN"].contains(name)).collect();
    names.dedup();
    names
}

/// The query parameter with the duration of a session.
const DURATION: &str = "duration_minutes";

/// The `curl` command that sends an example of the request.
pub(super) fn command(caller: &Caller, route: &Route, operation: &Value, body: Option<&Value>) -> String {
    let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    let (mut path, mut query, mut options) = (route.path.to_owned(), Vec::new(), Vec::new());
    if route.audience.needs_token() {
        options.push("-H \"Authorization: Bearer $TOKEN\"".to_owned());
    }
    for parameter in parameters {
        let name = parameter["name"].as_str().unwrap_or_default();
        // The example of another id exists in no system, so the command has a variable of the shell, to be set before.
        let example = example(parameter).filter(|_| !name.ends_with("_id"));
        let value = || match caller.value(name).map_or(example.clone(), |value| Some(text(&value))) {
            Some(value) => escaped(&value),
            None => format!("${}", name.to_ascii_uppercase().trim_end_matches("_ID")),
        };
        match parameter["in"].as_str() {
            Some("path") => path = path.replace(&format!("{{{name}}}"), &value()),
            // A session type with several durations needs the optional one.
            Some("query")
                if parameter["required"] == true || name == DURATION && caller.value(name).is_some() =>
            {
                query.push(format!("{name}={}", value()));
            }
            Some("header") if name == "Idempotency-Key" => {
                options.push("-H \"Idempotency-Key: $(date +%s%N)\"".to_owned());
            }
            // Every version, because nobody knows the present one.
            Some("header") if name == "If-Match" => options.push("-H 'If-Match: *'".to_owned()),
            Some("header") if parameter["required"] == true => {
                let value = example.unwrap_or_else(|| "\"1\"".to_owned());
                options.push(format!("-H {}", quoted(&format!("{name}: {value}"))));
            }
            _ => {}
        }
    }
    if let Some(body) = body {
        options.push("-H 'Content-Type: application/json'".to_owned());
        options.push(format!("-d {}", quoted(&caller.body(body).to_string())));
    }
    let method = match route.method {
        http_api::Method::Get => String::new(),
        other => format!("-X {} ", other.as_str()),
    };
    let question = if query.is_empty() { "" } else { "?" };
    let mut lines = vec![format!("curl {method}\"{}{path}{question}{}\"", caller.api, query.join("&"))];
    lines.extend(options);
    lines.join(" \\\n  ")
}

/// The first example of a media type or a parameter.
pub(super) fn first_example(described: &Value) -> Option<&Value> {
    let named = described["examples"].as_object().and_then(|examples| examples.values().next());
    let example = described.get("example").or_else(|| named?.get("value"));
    let of_schema = described["schema"]["examples"].as_array().and_then(|examples| examples.first());
    example.or(of_schema)
}

/// The text of a parameter's example; the first choice if it has none.
fn example(parameter: &Value) -> Option<String> {
    let choice = parameter["schema"]["enum"].as_array().and_then(|choices| choices.first());
    first_example(parameter).or(choice).map(text)
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A value in a query.
fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace("%3A", ":")
        .replace("%2F", "/")
}

/// A word of the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::People;

    /// The commands for a system in which Grace offers a session of half an hour.
    pub(in crate::pages) fn caller() -> Caller {
        let user = |(at, person): (u128, simulators::sign_in::Person)| DemoUser {
            subject: person.subject,
            name: person.name,
            groups: person.groups,
            expert_id: domain::ExpertId::from_bits(at),
            client_id: domain::ClientId::from_bits(at),
        };
        let people: Vec<DemoUser> = (0..).zip(People::all()).map(user).collect();
        let session_type = domain::SessionTypeId::from_bits(7);
        let price = domain::Money::saturating(4_000, domain::Currency::EUR);
        let offer =
            Offer { expert: people[1].expert_id, session_type, duration_minutes: 30, price: Some(price) };
        let start = Some("2027-03-01T09:00:00Z".parse().expect("an instant"));
        let (api, sign_in) = ("http://127.0.0.1:8080".to_owned(), "http://127.0.0.1:8081".to_owned());
        Caller { api, sign_in, people, offer: Some(offer), start }
    }

    fn route(function: &str) -> &'static Route {
        functions::ROUTES.iter().find(|route| route.function == function).expect("a route")
    }

    #[test]
    fn command_has_everything_that_is_required() {
        let operation = json!({ "parameters": [
            { "name": "Idempotency-Key", "in": "header", "required": true, "schema": {} },
        ] });
        let body = json!({ "duration_minutes": 60, "expert_id": "exp_1", "note": "Ada's" });
        assert_eq!(
            command(&caller(), route("book_appointment"), &operation, Some(&body)),
            "curl -X POST \"http://127.0.0.1:8080/v1/appointments\" \\\n  \
             -H \"Authorization: Bearer $TOKEN\" \\\n  \
             -H \"Idempotency-Key: $(date +%s%N)\" \\\n  \
             -H 'Content-Type: application/json' \\\n  \
             -d '{\"duration_minutes\":30,\"expert_id\":\"exp_00000000000000000000000001\",\"note\":\"Ada'\\''s\"}'"
        );
        let operation = json!({ "parameters": [
            { "name": "expert_id", "in": "path", "required": true, "schema": {}, "example": "exp_1" },
            { "name": "from", "in": "query", "required": true, "example": "2027-01-05T00:00:00+01:00" },
            { "name": "time_zone", "in": "query", "required": false },
        ] });
        let slots = "/slots?from=2027-01-05T00:00:00%2B01:00\"";
        assert_eq!(
            command(&caller(), route("list_slots"), &operation, None),
            format!("curl \"http://127.0.0.1:8080/v1/experts/exp_00000000000000000000000001{slots}")
        );
        let without_offer = Caller { offer: None, ..caller() };
        let listed = command(&without_offer, route("list_slots"), &operation, None);
        assert_eq!(listed, format!("curl \"http://127.0.0.1:8080/v1/experts/$EXPERT{slots}"));
        assert_eq!(variables(&listed), ["EXPERT"]);
    }

    #[test]
    fn body_of_a_booking_has_a_free_start_and_the_price() {
        let price = json!({ "amount": 8_000, "currency": "EUR" });
        let example = json!({ "start": "2020-01-01T10:00:00Z", "expected_price": price, "seats": 1 });
        let price = json!({ "amount": 4_000, "currency": "EUR" });
        let body = json!({ "start": "2027-03-01T09:00:00Z", "expected_price": price, "seats": 1 });
        assert_eq!(caller().body(&example), body);
        let proposal = json!({ "starts": ["2020-01-01T10:00:00Z"] });
        assert_eq!(caller().body(&proposal), json!({ "starts": ["2027-03-01T09:00:00Z"] }));
    }

    #[test]
    fn token_is_that_of_a_person_who_may_call_the_route() {
        let subject = |function| {
            let command = caller().token_for(route(function))?;
            command.split_once("/people/")?.1.split('/').next().map(str::to_owned)
        };
        assert_eq!(subject("list_slots"), None);
        assert_eq!(subject("replace_availability").as_deref(), Some("grace"));
        assert_eq!(subject("list_failing_jobs").as_deref(), Some("margaret"));
        assert_eq!(subject("book_appointment").as_deref(), Some(CLIENT));
        assert_eq!(subject("read_appointment").as_deref(), Some(CLIENT));
        let without_offer = Caller { offer: None, ..caller() };
        let command = without_offer.token_for(route("replace_availability")).expect("a command");
        assert!(command.contains("/people/ada/token"), "{command}");
    }
}
