use std::collections::HashMap;

use http_api::openapi;

use super::on_platform;
use crate::generator::Generator;
use crate::platform::EVERYBODY;
use crate::{Request, checks};

/// Requests to every route satisfy [`checks::violation`]. The first byte selects the route and the second the person. Then follow
/// lines with the path parameters, the query, and one header each; after an empty line follows the body.
pub fn requests(bytes: &[u8]) {
    let Some(request) = decode(bytes) else { return };
    on_platform(async |platform| {
        let Some(response) = platform.send(&request).await else { return };
        if let Some(violation) = checks::violation(&request, &response) {
            panic!("{violation}\n{request}\n{:#}", response.json());
        }
    });
}

fn decode(bytes: &[u8]) -> Option<Request> {
    let (route, rest) = bytes.split_first()?;
    let (person, rest) = rest.split_first()?;
    let mut request = Request::new(&functions::ROUTES[usize::from(*route) % functions::ROUTES.len()]);
    request.person = EVERYBODY.get(usize::from(*person) % (EVERYBODY.len() + 1)).copied();
    let (head, body) = match rest.windows(2).position(|two| two == b"\n\n") {
        Some(at) => (&rest[..at], &rest[at + 2..]),
        None => (rest, &[][..]),
    };
    let mut lines = head.split(|byte| *byte == b'\n');
    let parameters = String::from_utf8_lossy(lines.next()?).into_owned();
    let names = openapi::variables(request.route.path).map(str::to_owned);
    request.parameters = names.zip(parameters.split(' ').map(str::to_owned)).collect::<HashMap<_, _>>();
    request.query = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    for line in lines {
        let at = line.iter().position(|byte| *byte == b':')?;
        request
            .headers
            .push((String::from_utf8(line[..at].to_vec()).ok()?, line[at + 1..].trim_ascii().to_vec()));
    }
    request.body = body.to_vec();
    Some(request)
}

fn encode(request: &Request) -> Vec<u8> {
    let route = functions::ROUTES.iter().position(|route| route.function == request.route.function);
    let person =
        EVERYBODY.iter().position(|person| Some(*person) == request.person).unwrap_or(EVERYBODY.len());
    let number = |number: usize| u8::try_from(number).expect("there are few");
    let parameters: Vec<&str> =
        openapi::variables(request.route.path).map(|name| request.parameters[name].as_str()).collect();
    let mut bytes = vec![number(route.expect("a route")), number(person)];
    bytes.extend(format!("{}\n{}", parameters.join(" "), request.query).bytes());
    for (name, value) in &request.headers {
        bytes.extend([b"\n", name.as_bytes(), b": ", value].concat());
    }
    bytes.extend(b"\n\n");
    bytes.extend(&request.body);
    bytes
}

/// Valid requests to every route.
pub(super) fn corpus() -> Vec<Vec<u8>> {
    on_platform(async |platform| {
        let mut generator = Generator::new(platform, 0);
        let valid = functions::ROUTES.iter().flat_map(|route| [route; 4]).map(|route| generator.valid(route));
        valid.map(|request| encode(&request)).collect()
    })
}
