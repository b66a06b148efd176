//! The problem types that belong to no area.

use super::catalog::problem_types;

problem_types! {
    MALFORMED = 400 "malformed", "The request is malformed",
        "The body is not a single JSON document, an object has a duplicate member, or a header is malformed.",
        "Correct the request as `detail` says; the same request fails again.";
    UNAUTHORIZED = 401 "unauthorized", "Authentication is required",
        "The request has no access token, or the token is invalid or expired.",
        "Sign in again, and send the new access token in the header Authorization.";
    FORBIDDEN = 403 "forbidden", "Access is denied",
        "The signed-in person may not do this.",
        "Sign in as a person with the access that `detail` describes.";
    NOT_FOUND = 404 "not-found", "The resource does not exist",
        "The resource does not exist, or the signed-in person has no access to it.",
        "Check the id, and that you are signed in as a person with access.";
    METHOD = 405 "method-not-allowed", "The method is not allowed",
        "The path exists, but not with this method. On AWS, API Gateway answers 404 instead.",
        "Use a method that the OpenAPI document lists for the path.";
    NOT_ACCEPTABLE = 406 "not-acceptable", "The media type is not available",
        "The document is not available in a media type that the header Accept allows.",
        "Send an Accept header with one of the media types that `detail` lists.";
    EXISTS = 409 "already-exists", "The resource already exists",
        "The resource to create exists already.",
        "Read and change the existing resource instead.";
    TOO_MANY = 409 "limit-exceeded", "A limit is reached",
        "The largest allowed number of these resources exists already.",
        "Change or remove an existing resource instead.";
    NEWER_RELEASE = 409 "newer-release", "A newer release has changed the resource",
        "A newer release of the platform has stored something that the present one does not know, in the resource or in what \
         the request needs. This happens while a release is replaced. The request has changed nothing.",
        "Repeat the request when the newer release runs again, or replace the whole resource with PUT if `detail` says so.";
    STILL_RUNNING = 409 temporary "request-in-progress", "The first request is still running",
        "An earlier request with the same Idempotency-Key has not finished.",
        "Repeat the request with the same Idempotency-Key after `retry_after` seconds.";
    VERSION_MISMATCH = 412 "version-mismatch", "The resource has changed",
        "The resource has another version than the one in If-Match, because somebody changed it in the meantime, or it does not \
         exist yet.",
        "Read the resource, apply the change to what you read, and send its new ETag in If-Match; or `*`, to change every version. \
         If it does not exist yet, send `\"0\"`.";
    TOO_LARGE = 413 "content-too-large", "The body is too large",
        "The body has more bytes than a request may have.",
        "Send a body of at most 256 KB (262,144 bytes).";
    MEDIA_TYPE_REFUSED = 415 "unsupported-media-type", "The body must be JSON",
        "The header Content-Type does not name JSON.",
        "Send the body as JSON with the header Content-Type: application/json.";
    INVALID = 422 "invalid", "Values are invalid",
        "Values of the body or of the query are invalid. `violations` lists up to 100 of them. Rules across several values \
         are checked only when every single value is valid.",
        "Correct every value in `violations`; `pointer` leads to a member of the body, `parameter` names a query parameter.";
    IDEMPOTENCY_KEY_REUSED = 422 "idempotency-key-reused", "The idempotency key was used for another request",
        "An earlier request with the same Idempotency-Key had another path or body.",
        "Send a new Idempotency-Key for a new request, and the unchanged request for a repetition.";
    VERSION_REQUIRED = 428 "version-required", "The version is missing",
        "The header If-Match is required, so that no change of somebody else is overwritten.",
        "Read the resource, and send its ETag in If-Match.";
    INTERNAL = 500 "internal", "Internal error",
        "The platform has failed; the cause is logged.",
        "Repeat the request later, with the same Idempotency-Key if it has one; report the error if it persists.";
    UNAVAILABLE = 503 temporary "unavailable", "The service is unavailable",
        "A service that the platform uses did not respond, or too many requests change the same data.",
        "Repeat the request after `retry_after` seconds, with the same Idempotency-Key if it has one.";
}
