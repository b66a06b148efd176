//! Rewrites a source file so that each of its mutants can be switched on at run time.

use std::ops::Range;

use syn::visit::Visit;

use super::Change;

/// The function that the copy calls at each switch. Every crate that can hold a mutant depends on `domain`.
const SWITCH: &str = "::domain::mutants::is_on";

/// A mutant and where it changes the file.
struct Site<'a> {
    name: &'a str,
    /// The bytes that differ.
    differs: Range<usize>,
    /// The text that replaces them in the mutant.
    instead: &'a str,
    /// The inside of the innermost block that contains the change.
    block: Range<usize>,
}

/// Turns the innermost block `{ … }` around each change into `{ if is_on("name") { changed } else { unchanged } }`.
///
/// Mutants whose blocks overlap share one switch around the outermost of these blocks.
///
/// # Errors
/// If `before` does not occur exactly once, equals `after` or is outside of any block, or if `source` or the result cannot be
/// parsed.
pub fn rewrite(source: &str, mutants: &[(&str, &Change)]) -> Result<String, String> {
    let blocks = blocks(source).map_err(|error| format!("the file cannot be parsed: {error}"))?;
    let mut sites = Vec::new();
    for (name, change) in mutants {
        sites.push(site(source, &blocks, name, change).map_err(|error| format!("{name}: {error}"))?);
    }
    sites.sort_by_key(|site| (site.block.start, std::cmp::Reverse(site.block.end)));
    let (mut rewritten, mut written) = (String::new(), 0);
    // Blocks are nested or disjoint, so overlapping blocks are all inside the first of them.
    let overlap = |one: &Site<'_>, other: &Site<'_>| other.block.start < one.block.end;
    let mut rest = sites.as_slice();
    while let Some(outermost) = rest.first() {
        let together = rest.iter().take_while(|site| overlap(outermost, site)).count();
        let (group, remaining) = rest.split_at(together);
        let block = outermost.block.clone();
        rewritten += &source[written..block.start];
        for Site { name, differs, instead, .. } in group {
            let (head, tail) = (&source[block.start..differs.start], &source[differs.end..block.end]);
            rewritten += &format!("if {SWITCH}(\"{name}\") {{{head}{instead}{tail}}} else ");
        }
        rewritten += &format!("{{{}}}", &source[block.clone()]);
        (rest, written) = (remaining, block.end);
    }
    rewritten += &source[written..];
    syn::parse_file(&rewritten).map_err(|error| format!("a mutant of the file cannot be parsed: {error}"))?;
    Ok(rewritten)
}

/// Finds the insides of all blocks of a file.
fn blocks(source: &str) -> syn::Result<Vec<Range<usize>>> {
    struct Blocks(Vec<Range<usize>>);
    impl<'ast> Visit<'ast> for Blocks {
        fn visit_block(&mut self, block: &'ast syn::Block) {
            let braces = block.brace_token.span;
            self.0.push(braces.open().byte_range().end..braces.close().byte_range().start);
            syn::visit::visit_block(self, block);
        }
    }
    let mut found = Blocks(Vec::new());
    found.visit_file(&syn::parse_file(source)?);
    Ok(found.0)
}

fn site<'a>(
    source: &str,
    blocks: &[Range<usize>],
    name: &'a str,
    Change { before, after, .. }: &'a Change,
) -> Result<Site<'a>, String> {
    let mut places = source.match_indices(before.as_str());
    let (Some((place, _)), None) = (places.next(), places.next()) else {
        let count = source.matches(before.as_str()).count();
        return Err(format!("`before` occurs {count} times, not once"));
    };
    let common = |pairs: &mut dyn Iterator<Item = (char, char)>| -> usize {
        pairs.take_while(|(one, other)| one == other).map(|(one, _)| one.len_utf8()).sum()
    };
    let head = common(&mut before.chars().zip(after.chars()));
    let (old, new) = (&before[head..], &after[head..]);
    let tail = common(&mut old.chars().rev().zip(new.chars().rev()));
    let differs = place + head..place + before.len() - tail;
    let instead = &new[..new.len() - tail];
    if differs.is_empty() && instead.is_empty() {
        return Err("`before` and `after` are the same".to_owned());
    }
    let holds = |block: &&Range<usize>| block.start <= differs.start && differs.end <= block.end;
    let block = blocks.iter().filter(holds).min_by_key(|block| block.len());
    let block = block.ok_or("`before` is not in the body of a function")?.clone();
    Ok(Site { name, differs, instead, block })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(before: &str, after: &str) -> Change {
        Change { file: String::new(), before: before.to_owned(), after: after.to_owned() }
    }

    fn rewritten(source: &str, mutants: &[(&str, Change)]) -> Result<String, String> {
        let mutants: Vec<(&str, &Change)> = mutants.iter().map(|(name, change)| (*name, change)).collect();
        rewrite(source, &mutants)
    }

    #[test]
    fn innermost_block_is_compiled_both_ways() {
        let source = "fn f(a: u8) -> u8 { if a > 1 { a + 1 } else { a } }";
        assert_eq!(
            rewritten(source, &[("m", change("a + 1", "a + 2"))]).expect("rewritten"),
            "fn f(a: u8) -> u8 { if a > 1 {if ::domain::mutants::is_on(\"m\") { a + 2 } else { a + 1 }} else { a } }"
        );
    }

    #[test]
    fn unchanged_context_does_not_widen_the_block() {
        let source = "fn f() { g(); } fn h() { g(); }";
        assert_eq!(
            rewritten(source, &[("m", change("fn h() { g();", "fn h() { g(); g();"))]).expect("rewritten"),
            "fn f() { g(); } fn h() {if ::domain::mutants::is_on(\"m\") { g(); g(); } else { g(); }}"
        );
    }

    #[test]
    fn match_arms_are_switched_with_the_block_around_the_match() {
        let source = "fn f(a: u8) -> u8 { match a { 0 => 1, _ => 2 } }";
        assert_eq!(
            rewritten(source, &[("m", change("0 => 1", "7 => 3, 0 => 1"))]).expect("rewritten"),
            "fn f(a: u8) -> u8 {if ::domain::mutants::is_on(\"m\") { match a { 7 => 3, 0 => 1, _ => 2 } } else \
             { match a { 0 => 1, _ => 2 } }}"
        );
    }

    #[test]
    fn overlapping_mutants_share_one_switch_around_the_outermost_block() {
        let source = "fn f(a: u8) -> u8 { if a > 1 { a + 1 } else { a } } fn g() {}";
        let mutants = [("inner", change("a + 1", "a + 2")), ("outer", change("a > 1", "a > 2"))];
        assert_eq!(
            rewritten(source, &mutants).expect("rewritten"),
            "fn f(a: u8) -> u8 {if ::domain::mutants::is_on(\"outer\") { if a > 2 { a + 1 } else { a } } else \
             if ::domain::mutants::is_on(\"inner\") { if a > 1 { a + 2 } else { a } } else \
             { if a > 1 { a + 1 } else { a } }} fn g() {}"
        );
    }

    #[test]
    fn mutants_that_do_not_fit_are_refused() {
        let source = "const A: u8 = 1; fn f() -> u8 { A + A }";
        for (before, after, why) in [
            ("B", "A", "occurs 0 times"),
            ("A + ", "A + ", "are the same"),
            ("A", "B", "occurs 3 times"),
            ("A: u8 = 1", "A: u8 = 2", "not in the body of a function"),
            ("A + A", "A + ", "cannot be parsed"),
        ] {
            let refused = rewritten(source, &[("m", change(before, after))]).expect_err(before);
            assert!(refused.contains(why), "{before}: {refused}");
        }
    }
}
