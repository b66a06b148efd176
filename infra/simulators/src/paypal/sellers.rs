//! Sellers and their onboarding. Sources:
//! <https://developer.paypal.com/docs/api/partner-referrals/v2/>,
//! <https://developer.paypal.com/docs/api/partner-referrals/v1/#merchant-integration_status>.

use serde::Serialize;

use super::prelude::*;

/// How a seller's onboarding ends.
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
    operations: Value,
    #[serde(default)]
    products: Vec<String>,
    legal_consents: Vec<Consent>,
    partner_config_override: Option<Override>,
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
}

/// Invites a seller, who goes to the response's `action_url`.
pub(super) fn refer(work: &mut Work, request: CreateReferral) -> Outcome {
    check_lengths("", &[("tracking_id", Some(&request.tracking_id), 127)])?;
    let address = request.partner_config_override.and_then(|all| all.return_url);
    check_address("/partner_config_override/return_url", address.as_deref())?;
    let features = features(&request.operations);
    let features =
        features.ok_or_else(|| ApiError::bad_request("INVALID_PARAMETER_VALUE").at("/operations", ""))?;
    if !request.legal_consents.iter().any(|consent| consent.kind == "SHARE_DATA_CONSENT" && consent.granted) {
        let error = ApiError::bad_request("INVALID_PARAMETER_VALUE").at("/legal_consents", "");
        return Err(error.because("The consent of type SHARE_DATA_CONSENT must be granted."));
    }
    let referral = Referral {
        id: ids::secret(),
        tracking_id: request.tracking_id,
        return_url: address,
        features,
        products: request.products,
        created: work.now,
    };
    let view = work.view();
    let links = json!([
        view.link("self", "GET", &format!("v2/customer/partner-referrals/{}", referral.id)),
        view.link("action_url", "GET", &format!("bizsignup/partner/entry?referralToken={}", referral.id)),
    ]);
    work.state.referrals.add(referral);
    Ok(Success::Body { status: 201, body: json!({ "links": links }) })
}

/// The features of a third-party integration with PayPal, the only operation that the simulator knows.
fn features(operations: &Value) -> Option<Vec<String>> {
    let details = "/0/api_integration_preference/rest_api_integration/third_party_details";
    let features: Vec<String> =
        serde_json::from_value(operations.pointer(details)?["features"].clone()).ok()?;
    let known = json!([{
        "operation": "API_INTEGRATION",
        "api_integration_preference": { "rest_api_integration": {
            "integration_method": "PAYPAL",
            "integration_type": "THIRD_PARTY",
            "third_party_details": { "features": features },
        } },
    }]);
    (*operations == known).then_some(features)
}

/// Ends a seller's onboarding by the latest referral with this tracking id. A seller who is onboarded again keeps
/// the account.
pub(super) fn onboard(work: &mut Work, tracking_id: &str, outcome: Onboarding) -> Outcome {
    let referral = work.state.referrals.iter().rfind(|referral| referral.tracking_id == tracking_id);
    let referral = referral.cloned().ok_or_else(|| ApiError::not_found(tracking_id))?;
    let known = work.state.sellers.iter().find(|seller| seller.tracking_id == tracking_id).cloned();
    let id = known.as_ref().map_or_else(ids::account, |seller| seller.id.clone());
    if outcome == Onboarding::Incomplete {
        return Ok(Success::Object { status: 200, id });
    }
    let seller = Seller {
        email: format!("{}@sellers.example", id.to_ascii_lowercase()),
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
    resource["partner_client_id"] = json!(work.service.config.client_id);
    events::emit(work, "MERCHANT.ONBOARDING.COMPLETED", resource);
    Ok(Success::Object { status: 200, id })
}

/// Revokes the rights of the platform as the seller does in their account.
pub(super) fn revoke(work: &mut Work, merchant_id: &str) -> Outcome {
    let resource = work.view().onboarded(merchant_id).ok_or_else(|| ApiError::not_found(merchant_id))?;
    work.state.sellers.change(merchant_id, |seller| seller.features.clear());
    events::emit(work, "MERCHANT.PARTNER-CONSENT.REVOKED", resource);
    Ok(Success::Object { status: 200, id: merchant_id.to_owned() })
}

/// Revokes one right of the platform.
pub(super) fn revoke_feature(work: &mut Work, merchant_id: &str, feature: &str) -> Outcome {
    work.state.sellers.get(merchant_id).ok_or_else(|| ApiError::not_found(merchant_id))?;
    work.state.sellers.change(merchant_id, |seller| seller.features.retain(|granted| granted != feature));
    Ok(Success::Object { status: 200, id: merchant_id.to_owned() })
}

/// `GET /v1/customer/partners/{partner}/merchant-integrations?tracking_id=…`.
pub(super) fn find(work: &Work, partner: &str, query: &str) -> Outcome {
    check_partner(work, partner)?;
    let missing =
        || ApiError::bad_request("MISSING_REQUIRED_PARAMETER").at("tracking_id", "").in_the("query");
    let tracking_id = query_parameter(query, "tracking_id")?.ok_or_else(missing)?;
    let seller = work.state.sellers.iter().find(|seller| seller.tracking_id == tracking_id);
    let found = seller.and_then(|seller| work.view().onboarded(&seller.id));
    let body = found.ok_or_else(|| ApiError::not_found(&tracking_id))?;
    Ok(Success::Body { status: 200, body })
}

/// `GET /v1/customer/partners/{partner}/merchant-integrations/{merchant}`.
pub(super) fn status(work: &Work, partner: &str, merchant_id: &str) -> Outcome {
    check_partner(work, partner)?;
    let seller = work.state.sellers.get(merchant_id).ok_or_else(|| ApiError::not_found(merchant_id))?;
    Ok(Success::Object { status: 200, id: seller.id.clone() })
}

fn check_partner(work: &Work, partner: &str) -> Result<(), ApiError> {
    if partner == work.service.config.partner_id {
        return Ok(());
    }
    Err(ApiError::forbidden("The access token belongs to another partner."))
}
