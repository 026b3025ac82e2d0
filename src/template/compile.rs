//! Turns template text into a program, once per text and process.
//!
//! minijinja's strict mode refuses `d.nope.deeper | default('x')`, which Ansible accepts. So every attribute and
//! item access is compiled to a filter of ours that hands an undefined value on; whatever else touches it still
//! meets minijinja's strict mode. Templates that are included or imported are compiled by minijinja itself and
//! do not have this. Texts are kept for the life of the process: their number is bounded by what people wrote.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use minijinja::machinery::{CodeGenerator, Instruction, Instructions, ast, parse, parse_expr};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Error, Value};

/// The filters behind `a.b` and `a[b]`; no template can spell these names.
pub(super) const ATTR: &str = "\0attr";
pub(super) const ITEM: &str = "\0item";

/// Compiled text.
pub(super) struct Program {
    pub(super) text: &'static str,
    pub(super) instructions: Instructions<'static>,
    pub(super) blocks: BTreeMap<&'static str, Instructions<'static>>,
    /// An expression leaves a native value; anything else writes text.
    pub(super) expression: bool,
    /// The text is a bare expression, without `{{ }}`.
    pub(super) bare: bool,
}

#[derive(Default)]
struct Programs {
    templates: RwLock<HashMap<&'static str, Arc<Program>>>,
    expressions: RwLock<HashMap<&'static str, Arc<Program>>>,
}

static PROGRAMS: LazyLock<Programs> = LazyLock::new(Programs::default);

/// Jinja as Ansible configures it.
pub(super) fn syntax() -> SyntaxConfig {
    static SYNTAX: LazyLock<SyntaxConfig> = LazyLock::new(|| {
        SyntaxConfig::builder().trim_blocks(true).keep_trailing_newline(true).build().unwrap_or_default()
    });
    SYNTAX.clone()
}

/// Whether a text can hold anything to template.
pub(super) fn is_template(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        rest = &rest[at + 1..];
        if rest.starts_with(['{', '%', '#']) {
            return true;
        }
    }
    false
}

/// Text with `{{ }}` in it. When it is nothing but one `{{ expression }}`, it gives a native value.
pub(super) fn template(text: &str) -> Result<Arc<Program>, Error> {
    cached(&PROGRAMS.templates, text, |text| {
        let tree = parse(text, "", syntax())?;
        let mut generator = CodeGenerator::new("", text);
        let only = only_expression(&tree);
        match only {
            Some(expression) => generator.compile_expr(expression),
            None => generator.compile_stmt(&tree),
        }
        Ok(program(text, generator, only.is_some(), false))
    })
}

/// A bare expression, as in `when`.
pub(super) fn expression(text: &str) -> Result<Arc<Program>, Error> {
    cached(&PROGRAMS.expressions, text, |text| {
        let tree = parse_expr(text)?;
        let mut generator = CodeGenerator::new("", text);
        generator.compile_expr(&tree);
        Ok(program(text, generator, true, true))
    })
}

/// The expression of a template that is nothing but `{{ expression }}`.
pub(super) fn only_expression<'t, 'a>(tree: &'t ast::Stmt<'a>) -> Option<&'t ast::Expr<'a>> {
    match tree {
        ast::Stmt::Template(template) => match template.children.as_slice() {
            [ast::Stmt::EmitExpr(emit)] => Some(&emit.expr),
            _ => None,
        },
        _ => None,
    }
}

fn cached(
    cache: &RwLock<HashMap<&'static str, Arc<Program>>>,
    text: &str,
    compile: impl FnOnce(&'static str) -> Result<Program, Error>,
) -> Result<Arc<Program>, Error> {
    if let Some(program) = cache.read().unwrap_or_else(PoisonError::into_inner).get(text) {
        return Ok(Arc::clone(program));
    }
    let text: &'static str = Box::leak(text.into());
    let program = Arc::new(compile(text)?);
    cache.write().unwrap_or_else(PoisonError::into_inner).insert(text, Arc::clone(&program));
    Ok(program)
}

fn program(text: &'static str, generator: CodeGenerator<'static>, expression: bool, bare: bool) -> Program {
    let (instructions, blocks) = generator.finish();
    let blocks = blocks.into_iter().map(|(name, block)| (name, chainable(&block))).collect();
    Program { text, instructions: chainable(&instructions), blocks, expression, bare }
}

/// The same instructions, with accesses replaced by filters and jumps moved accordingly.
fn chainable(old: &Instructions<'static>) -> Instructions<'static> {
    let listed: Vec<Instruction<'static>> = (0..).map_while(|at| old.get(at)).cloned().collect();
    let mut moved = Vec::with_capacity(listed.len() + 1);
    let mut next = 0;
    for instruction in &listed {
        moved.push(next);
        next += if matches!(instruction, Instruction::GetAttr(_)) { 2 } else { 1 };
    }
    moved.push(next);
    let target = |to: u32| moved.get(to as usize).copied().unwrap_or(to);
    let mut new = Instructions::new(old.name(), old.source());
    for (at, instruction) in (0..).zip(listed) {
        let mut add = |instruction| match (old.get_span(at), old.get_line(at)) {
            (Some(span), _) => new.add_with_span(instruction, span),
            (None, Some(line)) => new.add_with_line(instruction, u16::try_from(line).unwrap_or(u16::MAX)),
            (None, None) => new.add(instruction),
        };
        match instruction {
            Instruction::GetAttr(name) => {
                add(Instruction::LoadConst(Value::from(name)));
                add(Instruction::ApplyFilter(ATTR, Some(2), !0))
            }
            Instruction::GetItem => add(Instruction::ApplyFilter(ITEM, Some(2), !0)),
            Instruction::Jump(to) => add(Instruction::Jump(target(to))),
            Instruction::JumpIfFalse(to) => add(Instruction::JumpIfFalse(target(to))),
            Instruction::JumpIfFalseOrPop(to) => add(Instruction::JumpIfFalseOrPop(target(to))),
            Instruction::JumpIfTrueOrPop(to) => add(Instruction::JumpIfTrueOrPop(target(to))),
            Instruction::Iterate(to) => add(Instruction::Iterate(target(to))),
            Instruction::BuildMacro(name, to, flags) => add(Instruction::BuildMacro(name, target(to), flags)),
            other => add(other),
        };
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_can_be_a_template() {
        for (text, expected) in
            [("{{ a }}", true), ("a {% if b %}", true), ("{a} {", false), ("{ {", false), ("{#", true)]
        {
            assert_eq!(is_template(text), expected, "{text}");
        }
    }

    #[test]
    fn compiles_each_text_once() {
        let (one, two) = (template("{{ once }}").unwrap(), template("{{ once }}").unwrap());
        assert!(Arc::ptr_eq(&one, &two) && one.expression);
        assert!(!template(" {{ once }}").unwrap().expression);
    }
}
