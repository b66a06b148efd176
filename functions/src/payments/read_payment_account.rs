//! Reads the expert's account from the payment gateway.

use app::App;
use app::payments::{accounts, payout_timing};
use domain::Money;
use domain::payments::payout::{self, PayoutReason, PayoutTerms};
use http::StatusCode;
use http_api::{Audience, Method, Operation, Problem, Request, Response, Route, problem};
use schemars::JsonSchema;
use serde::Serialize;

use super::documents::{PaymentAccount, PayoutTiming};

/// `GET /v1/experts/{expert_id}/payment-accounts/{gateway}`
pub const ROUTE: Route = Route {
    function: "read_payment_account",
    method: Method::Get,
    path: "/v1/experts/{expert_id}/payment-accounts/{gateway}",
    audience: Audience::SignedIn,
    summary: "Read the state of my account at a payment gateway",
    operation: |schemas| {
        Operation::responds_with::<OwnPaymentAccount>(schemas, StatusCode::OK)
            .problems(&[problem::PAYMENT_REFUSED])
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// An expert's account at a payment gateway, and when the expert gets their share of new payments.
#[derive(Serialize, JsonSchema)]
struct OwnPaymentAccount {
    /// The account.
    #[serde(flatten)]
    account: PaymentAccount,
    /// When you get your share of new payments. Each payment keeps the timing of its booking.
    payout_timing: PayoutTiming,
    /// Why this timing applies, and what changes it.
    #[schemars(length(max = 300))]
    payout_timing_reason: String,
    /// What you owe the platform, because you caused refunds, or because your account could not return a share. It is withheld from your shares that the platform pays out after the
    /// sessions. Absent if you owe nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    owed: Vec<Money>,
}

/// Why a timing applies, for the expert.
fn reason(terms: PayoutTerms) -> String {
    match (terms.because, terms.timing) {
        (PayoutReason::NewExpert { missing }, _) => format!(
            "You get your share one day after each session, because you are new here. This can change once you have completed {missing} more \
             paid sessions without a dispute, each with another client and another means of payment. A dispute starts the count again."
        ),
        (PayoutReason::Debt, _) => {
            "You get your share one day after each session, because you owe the platform something: the costs of refunds that you caused, or \
             shares that your account could not return. This ends once it is withheld from your shares.".to_owned()
        }
        (PayoutReason::Gateway, _) => {
            "You get your share as soon as the client pays, because this payment gateway cannot hold it.".to_owned()
        }
        (PayoutReason::Setting, payout::PayoutTiming::AtPayment) => {
            "You get your share as soon as the client pays. The platform has set this for you or for all experts.".to_owned()
        }
        (PayoutReason::Setting, payout::PayoutTiming::AfterSession) => {
            "You get your share one day after each session. The platform has set this for you or for all experts.".to_owned()
        }
    }
}

async fn handle(app: &App, request: &Request) -> Result<Response, Problem> {
    let (actor, expert) = (request.actor(), request.path_parameter("expert_id", "expert")?);
    let gateway = super::gateway(request)?;
    let account = accounts::read_account(app, actor, expert, gateway).await?;
    let (terms, debt) = payout_timing::read_payout_terms(app, actor, expert, gateway).await?;
    let document = OwnPaymentAccount {
        account: account.into(),
        payout_timing: terms.timing.into(),
        payout_timing_reason: reason(terms),
        owed: debt.owed,
    };
    Ok(Response::json(StatusCode::OK, &document))
}
