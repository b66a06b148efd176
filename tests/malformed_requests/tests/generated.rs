//! Requests made from the API description, most of them wrong somewhere: none finds a fault of ours, none gets an answer that is not
//! described, and what is refused changes nothing.
//!
//! `MALFORMED_REQUESTS` says how many. `MALFORMED_SEED` sends the requests of one platform alone, up to and with the one that failed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use malformed_requests::generator::Generator;
use malformed_requests::{TestPlatform, checks};

/// What is tried without `MALFORMED_REQUESTS`.
const REQUESTS: u64 = 6_000;
/// So many find something that each route takes.
const MANY: u64 = 50_000;
/// How many requests a platform gets.
const OF_A_PLATFORM: u64 = 3_000;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|number| number.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// How often each route answered each status.
type Answers = BTreeMap<(&'static str, u16), u64>;

/// Sends the requests of one seed; the first that fails ends it.
fn send(seed: u64, requests: u64) -> Answers {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let platform = TestPlatform::new().await;
        let mut generator = Generator::new(&platform, seed);
        let mut answers = Answers::new();
        let mut sent = 0;
        while sent < requests {
            let request = generator.request();
            let Some(response) = platform.send(&request).await else { continue };
            if let Some(violation) = checks::violation(&request, &response) {
                let body = String::from_utf8_lossy(&response.body);
                panic!(
                    "{violation}\n{request}\n{} {body}\nrequest {sent} of MALFORMED_SEED={seed}",
                    response.status
                );
            }
            *answers.entry((request.route.function, response.status.as_u16())).or_default() += 1;
            sent += 1;
        }
        answers
    })
}

#[test]
fn no_request_finds_a_fault_of_ours() {
    if let Some(seed) = setting("MALFORMED_SEED") {
        println!("{:#?}", send(seed, OF_A_PLATFORM));
        return;
    }
    let (requests, started) = (setting("MALFORMED_REQUESTS").unwrap_or(REQUESTS), Instant::now());
    let platforms = requests.div_ceil(OF_A_PLATFORM);
    let next = AtomicU64::new(0);
    let answers = std::thread::scope(|scope| {
        let work = || {
            let mut answers = Answers::new();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= platforms {
                    return answers;
                }
                for (answer, times) in send(seed, OF_A_PLATFORM) {
                    *answers.entry(answer).or_default() += times;
                }
            }
        };
        let threads = [scope.spawn(work), scope.spawn(work)];
        let mut all = Answers::new();
        for thread in threads {
            for (answer, times) in thread.join().expect("no request failed") {
                *all.entry(answer).or_default() += times;
            }
        }
        all
    });
    let sum = |wanted: fn(u16) -> bool| -> u64 {
        answers.iter().filter(|((_, status), _)| wanted(*status)).map(|(_, times)| times).sum()
    };
    let (taken, refused) = (sum(|status| status < 400), sum(|status| status >= 400));
    println!("{taken} requests taken and {refused} refused in {:.1} s", started.elapsed().as_secs_f32());
    for ((function, status), times) in &answers {
        println!("{times:>6} {status} {function}");
    }
    // Every route was found, with something that it takes: whoever only knocks at the first door proves little.
    let routes: BTreeSet<_> = functions::ROUTES.iter().map(|route| route.function).collect();
    let reached: BTreeSet<_> = answers.keys().map(|(function, _)| *function).collect();
    assert_eq!(reached, routes);
    let took: BTreeSet<_> =
        answers.keys().filter(|(_, status)| *status < 400).map(|(function, _)| *function).collect();
    let never: Vec<_> = routes.difference(&took).copied().collect();
    println!("never taken: {never:?}");
    // A few thousand may miss a route that takes little; many do not. No payment here is escalated.
    assert!(requests < MANY || never == ["resolve_escalation"]);
    assert!(refused > 2 * taken && taken > requests / 20);
}
