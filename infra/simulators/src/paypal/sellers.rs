//! Becoming a seller of the platform, and what the platform may know about one. Sources:
//! <https://developer.paypal.com/docs/api/partner-referrals/v2/>,
//! <https://developer.paypal.com/docs/api/partner-referrals/v1/#merchant-integration_status>.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::api_error::ApiError;
use super::body::{check_address, check_length};
use super::state::{Referral, Seller};
use super::work::{Answer, Outcome, Work};
use super::{events, ids};

/// How the seller's visit to PayPal ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Onboarding {
    /// The seller agrees, and can be paid.
    Complete,
    /// The seller agrees, and has yet to confirm their e-mail address: they cannot be paid.
    EmailUnconfirmed,
    /// The seller agrees, and PayPal has not allowed the account to receive payments.
    NotReceivable,
    /// The seller leaves without agreeing. Nothing happens.
    Incomplete,
}

/// `POST /v2/customer/partner-referrals`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateReferral {
    tracking_id: String,
    email: Option<String>,
    operations: Vec<Operation>,
    #[serde(default)]
    products: Vec<String>,
    legal_consents: Vec<Consent>,
    partner_config_override: Option<Override>,
    /// The language of PayPal's pages.
    #[serde(rename = "preferred_language_code")]
    _language: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Operation {
    #[serde(rename = "operation")]
    _operation: ApiIntegration,
    api_integration_preference: Integration,
}

#[derive(Deserialize)]
enum ApiIntegration {
    #[serde(rename = "API_INTEGRATION")]
    It,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Integration {
    rest_api_integration: RestIntegration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RestIntegration {
    #[serde(rename = "integration_method")]
    _method: WithPayPal,
    #[serde(rename = "integration_type")]
    _type: ThirdParty,
    third_party_details: Details,
}

#[derive(Deserialize)]
enum WithPayPal {
    #[serde(rename = "PAYPAL")]
    It,
}

#[derive(Deserialize)]
enum ThirdParty {
    #[serde(rename = "THIRD_PARTY")]
    It,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Details {
    features: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Consent {
    #[serde(rename = "type")]
    kind: String,
    granted: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Override {
    return_url: Option<String>,
    // What PayPal's pages say about the platform.
    #[serde(rename = "return_url_description")]
    _return_url_description: Option<String>,
    #[serde(rename = "partner_logo_url")]
    _partner_logo_url: Option<String>,
}

/// Invites a seller. The answer's `action_url` is where they go.
pub(super) fn refer(work: &mut Work, request: CreateReferral) -> Outcome {
    check_length("/tracking_id", Some(&request.tracking_id), 127)?;
    let address = request.partner_config_override.and_then(|all| all.return_url);
    check_address("/partner_config_override/return_url", address.as_deref())?;
    let [operation] = request.operations.as_slice() else {
        return Err(ApiError::bad_request("INVALID_PARAMETER_VALUE").at("/operations", ""));
    };
    if !request.legal_consents.iter().any(|consent| consent.kind == "SHARE_DATA_CONSENT" && consent.granted) {
        let error = ApiError::bad_request("INVALID_PARAMETER_VALUE").at("/legal_consents", "");
        return Err(error.because("The consent of type SHARE_DATA_CONSENT must be granted."));
    }
    let referral = Referral {
        id: ids::secret(),
        tracking_id: request.tracking_id,
        email: request.email,
        return_url: address,
        features: operation
            .api_integration_preference
            .rest_api_integration
            .third_party_details
            .features
            .clone(),
        products: request.products,
        created: work.now,
    };
    let view = work.view();
    let links = json!([
        view.link("self", "GET", &format!("v2/customer/partner-referrals/{}", referral.id)),
        view.link("action_url", "GET", &format!("bizsignup/partner/entry?referralToken={}", referral.id)),
    ]);
    work.state.referrals.add(referral);
    Ok(Answer::Body { status: 201, body: json!({ "links": links }) })
}

/// Ends the seller's visit. The latest referral with this tracking id is the one they followed; a seller who
/// comes again keeps their account.
pub(super) fn onboard(work: &mut Work, tracking_id: &str, outcome: Onboarding) -> Outcome {
    let referral = work.state.referrals.iter().rfind(|referral| referral.tracking_id == tracking_id);
    let referral = referral.cloned().ok_or_else(|| ApiError::not_found(tracking_id))?;
    let known = work.state.sellers.iter().find(|seller| seller.tracking_id == tracking_id).cloned();
    let id = known.as_ref().map_or_else(ids::account, |seller| seller.id.clone());
    if outcome == Onboarding::Incomplete {
        return Ok(Answer::Object { status: 200, id });
    }
    let seller = Seller {
        email: referral.email.unwrap_or_else(|| format!("{}@sellers.example", id.to_ascii_lowercase())),
        id: id.clone(),
        tracking_id: referral.tracking_id,
        products: referral.products,
        features: referral.features,
        payments_receivable: outcome != Onboarding::NotReceivable,
        primary_email_confirmed: outcome != Onboarding::EmailUnconfirmed,
        created: known.as_ref().map_or(work.now, |seller| seller.created),
    };
    if known.is_some() {
        work.state.sellers.change(&id, |row| *row = seller);
    } else {
        work.state.sellers.add(seller);
    }
    let mut resource = work.view().onboarded(&id).unwrap_or_default();
    if let Some(members) = resource.as_object_mut() {
        members.insert("partner_client_id".to_owned(), json!(work.config.client_id));
    }
    let summary = "A seller granted the platform its consent";
    events::about(work, "MERCHANT.ONBOARDING.COMPLETED", "merchant-onboarding", "1.0", summary, resource);
    Ok(Answer::Object { status: 200, id })
}

/// The seller takes the platform's rights away, in their PayPal account.
pub(super) fn revoke(work: &mut Work, merchant_id: &str) -> Outcome {
    let resource = work.view().onboarded(merchant_id).ok_or_else(|| ApiError::not_found(merchant_id))?;
    work.state.sellers.change(merchant_id, |seller| seller.features.clear());
    let summary = "A seller revoked the consent to the platform";
    events::about(work, "MERCHANT.PARTNER-CONSENT.REVOKED", "partner-consent", "1.0", summary, resource);
    Ok(Answer::Object { status: 200, id: merchant_id.to_owned() })
}

/// `GET /v1/customer/partners/{partner}/merchant-integrations?tracking_id=…`.
pub(super) fn find(work: &Work, partner: &str, query: &str) -> Outcome {
    check_partner(work, partner)?;
    let mut tracking_id = None;
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if name != "tracking_id" {
            return Err(ApiError::bad_request("NOT_SUPPORTED").at(&name, &value).in_the("query"));
        }
        tracking_id = Some(value.into_owned());
    }
    let Some(tracking_id) = tracking_id else {
        return Err(ApiError::bad_request("MISSING_REQUIRED_PARAMETER")
            .at("tracking_id", "")
            .in_the("query"));
    };
    let seller = work.state.sellers.iter().find(|seller| seller.tracking_id == tracking_id);
    let found = seller.and_then(|seller| work.view().onboarded(&seller.id));
    let body = found.ok_or_else(|| ApiError::not_found(&tracking_id))?;
    Ok(Answer::Body { status: 200, body })
}

/// `GET /v1/customer/partners/{partner}/merchant-integrations/{merchant}`.
pub(super) fn status(work: &Work, partner: &str, merchant_id: &str) -> Outcome {
    check_partner(work, partner)?;
    let seller = work.state.sellers.get(merchant_id).ok_or_else(|| ApiError::not_found(merchant_id))?;
    Ok(Answer::Object { status: 200, id: seller.id.clone() })
}

fn check_partner(work: &Work, partner: &str) -> Result<(), ApiError> {
    if partner == work.config.partner_id {
        return Ok(());
    }
    Err(ApiError::forbidden("The access token belongs to another partner."))
}
