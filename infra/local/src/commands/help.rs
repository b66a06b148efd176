//! What `help` says.

pub(super) const TEXT: &str = "\
Expert Connect on one machine: the API, its database, the event bus, a Stripe simulator and a sign-in service.
Everything listens on 127.0.0.1 only.

  cargo run                    starts everything; Ctrl-C ends it
  cargo run -- demo            walks through the product against what runs, in a second shell
  cargo run -- demo money      shows what happens to money over weeks, in a system and on a clock of its own
  cargo run -- simulators      starts only the Stripe simulator and the sign-in service
  cargo run -- help            says this

demo
  --url URL                    where the API is (EXPERT_CONNECT_URL; by default http://127.0.0.1:8080)
  --time-zone ZONE             the zone in which times are shown, such as Europe/Berlin (by default this machine's)

simulators
  --port-base PORT             sign-in service on PORT, Stripe simulator on PORT + 1
  --sign-in-port PORT          (EXPERT_CONNECT_SIGN_IN_PORT; 8082)
  --stripe-port PORT           (EXPERT_CONNECT_STRIPE_PORT; 8081)
  --webhook-url URL            where Stripe's events go to, http only; without it there are none
  --issuer URL                 the issuer of the tokens, when others reach the sign-in service at another address
  --redirect-url URL           where people may be sent back to after they signed in
  --secret-key KEY             Stripe's secret key (sk_test_local)
  --webhook-secret SECRET      the secret that events are signed with (whsec_local)
  --data FOLDER                keeps the simulators' state; without it everything is forgotten at the end

Settings of `cargo run`, as environment variables
  EXPERT_CONNECT_DATA          the data folder (.expert-connect)
  EXPERT_CONNECT_PORT          the API and the pages (8080); 0 takes any free port
  EXPERT_CONNECT_STRIPE_PORT   the Stripe simulator (8081)
  EXPERT_CONNECT_SIGN_IN_PORT  the sign-in service (8082); at another address the demo people are other people
  EXPERT_CONNECT_DATABASE_PORT the database (8083)
  STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET
                               your own Stripe keys, both; they take the simulator away
  PLATFORM_FEE_BASIS_POINTS    what the platform keeps (1000, which is 10 %)
  HOLD_MINUTES                 how long a slot is held for payment (10)
  LOG_LEVEL                    error, warn, info, debug or trace (info)
";
