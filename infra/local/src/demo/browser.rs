//! What a person does on the Stripe simulator's pages, by hand of their browser.

use http::header::LOCATION;
use url::Url;

use super::Wrong;
use super::caller::Answer;
use super::journey::Journey;

/// Opens the onboarding page, submits everything on it, and goes where Stripe sends the expert back to.
pub(super) async fn onboard(journey: &Journey, page: &str) -> Result<(), Wrong> {
    let answer = journey.caller.get(page).send().await?.with(200)?;
    let action = action(&answer)?;
    let base: Url = page.parse().map_err(|_| Wrong::new("the onboarding page", "an address", page))?;
    let target = base.join(&action).map_err(|_| Wrong::new("the form's action", "an address", &action))?;
    let answer =
        journey.caller.post(target.as_str()).form(&[("outcome", "complete")]).send().await?.with(303)?;
    let back = answer.header(LOCATION.as_str())?;
    journey.caller.get(&back).send().await?.with(200)?;
    Ok(())
}

/// Where the form of a page goes to.
fn action(page: &Answer) -> Result<String, Wrong> {
    let action = page.text.split_once("action=\"").and_then(|(_, rest)| rest.split_once('"'));
    action
        .map(|(action, _)| action.replace("&amp;", "&"))
        .ok_or_else(|| Wrong::new("the page", "a form with an action", &page.text))
}

/// Types a card's number on the checkout page and presses the button.
pub(super) async fn pay(journey: &Journey, intent: &str, secret: &str, card: &str) -> Result<Answer, Wrong> {
    let page = format!("{}/pay/{intent}", journey.stripe);
    let page = Url::parse_with_params(&page, [("client_secret", secret)])
        .map_err(|_| Wrong::new("the checkout page", "an address", page))?;
    journey.caller.get(page.as_str()).send().await?.with(200)?;
    journey.caller.post(page.as_str()).form(&[("number", card)]).send().await
}

/// What a page complains about.
pub(super) fn complaint(page: &Answer) -> Result<&str, Wrong> {
    let after = page.text.split_once("role=\"alert\">").and_then(|(_, rest)| rest.split_once('<'));
    after.map(|(text, _)| text).ok_or_else(|| Wrong::new("the page", "a complaint", &page.text))
}
