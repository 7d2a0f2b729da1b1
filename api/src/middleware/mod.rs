//! Around every request. In this order, from the outside in (put together in `app::server`):
//!
//! 1. [`request_id`]: gives the request its id, so that everything inside can name it, and answers it
//!    whatever happens inside.
//! 2. `TracingLogger` with [`crate::telemetry::RequestSpan`]: the span of the request, a child of the
//!    caller's trace; everything inside logs into it.
//! 3. [`cors`]: lets the user interfaces that are configured call from their own origin. Outside all that
//!    can refuse, or a browser would not show its page why.
//! 4. `Compress`: gzip for who accepts it. Outside [`answer`], which writes bodies; streams that must not
//!    be held back say `Content-Encoding: identity`.
//! 5. [`answer`]: turns whatever comes from the inside, panics included, into a whole answer: problem
//!    details, security headers, and the one log line. Inside the span, so that the line has its fields;
//!    outside the limits, so that refusals look like all problems.
//! 6. [`limits`]: charges the request and writes the `RateLimit` headers. Around everything that can
//!    refuse, because refusals count; the extractors inside tell it who asks.
//! 7. [`address`]: refuses addresses that no handler could read. Innermost, just before routing.

pub mod address;
pub mod answer;
pub mod cors;
pub mod limits;
pub mod request_id;
