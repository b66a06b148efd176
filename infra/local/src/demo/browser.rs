//! Uses the pages of the Stripe simulator as a person does in a browser.

use http::header::LOCATION;
use url::Url;

use super::Mismatch;
use super::api_client::Response;
use super::journey::Journey;

/// Opens the onboarding page, submits its form, and follows the redirect back to the platform.
pub(super) async fn onboard(journey: &Journey, page: &str) -> Result<(), Mismatch> {
    let response = journey.api.get(page).send().await?.with_status(200)?;
    let action = action(&response)?;
    let base: Url = page.parse().map_err(|_| Mismatch::new("the onboarding page", "a URL", page))?;
    let target = base.join(&action).map_err(|_| Mismatch::new("the form's action", "a URL", &action))?;
    let response =
        journey.api.post(target.as_str()).form(&[("outcome", "complete")]).send().await?.with_status(303)?;
    let back = response.header(LOCATION.as_str())?;
    journey.api.get(&back).send().await?.with_status(200)?;
    Ok(())
}

/// The action of the form on a page.
fn action(page: &Response) -> Result<String, Mismatch> {
    let action = page.text.split_once("action=\"").and_then(|(_, rest)| rest.split_once('"'));
    action
        .map(|(action, _)| action.replace("&amp;", "&"))
        .ok_or_else(|| Mismatch::new("the page", "a form with an action", &page.text))
}

/// Submits a card number on the checkout page.
pub(super) async fn pay(
    journey: &Journey,
    intent: &str,
    secret: &str,
    card: &str,
) -> Result<Response, Mismatch> {
    let page = format!("{}/pay/{intent}", journey.stripe);
    let page = Url::parse_with_params(&page, [("client_secret", secret)])
        .map_err(|_| Mismatch::new("the checkout page", "a URL", page))?;
    journey.api.get(page.as_str()).send().await?.with_status(200)?;
    journey.api.post(page.as_str()).form(&[("number", card)]).send().await
}

/// The error message on a page.
pub(super) fn error_message(page: &Response) -> Result<&str, Mismatch> {
    let after = page.text.split_once("role=\"alert\">").and_then(|(_, rest)| rest.split_once('<'));
    after.map(|(text, _)| text).ok_or_else(|| Mismatch::new("the page", "an error message", &page.text))
}
