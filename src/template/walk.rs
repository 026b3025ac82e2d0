//! Walks a parsed template and collects what it uses.
//!
//! Judges nothing: `check` and `undefined` do.

use std::collections::BTreeSet;
use std::ops::Range;

use minijinja::machinery::{Span, ast};

/// `a.b[0].c`: a name and what is taken from it.
#[derive(Debug)]
pub(super) struct Access {
    pub(super) head: String,
    pub(super) range: Range<usize>,
    /// Where the head and each further access end.
    pub(super) ends: Vec<usize>,
    /// Directly under `default` or `is defined`.
    pub(super) guarded: bool,
}

/// Something with a name that must exist.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) range: Range<usize>,
    /// The first argument, where it is written out as a string.
    pub(super) argument: Option<String>,
}

/// What a template uses.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) accesses: Vec<Access>,
    /// Names the template itself sets.
    pub(super) locals: BTreeSet<String>,
    pub(super) filters: Vec<Named>,
    pub(super) tests: Vec<Named>,
    pub(super) functions: Vec<Named>,
    pub(super) methods: Vec<Named>,
    /// `'%s' % x`.
    pub(super) percents: Vec<Range<usize>>,
}

pub(super) fn statement(tree: &ast::Stmt<'_>) -> Found {
    let mut found = Found::default();
    found.stmt(tree);
    found
}

pub(super) fn expression(tree: &ast::Expr<'_>) -> Found {
    let mut found = Found::default();
    found.expr(tree, false);
    found
}

fn range(span: Span) -> Range<usize> {
    span.start_offset as usize..span.end_offset as usize
}

/// The place of a name that stands somewhere after `from`.
fn name_range(whole: Span, from: Option<usize>, name: &str) -> Range<usize> {
    let whole = range(whole);
    let start = from.unwrap_or(whole.start);
    // The bar and blanks before the name are skipped by whoever knows the text.
    start..whole.end.max(start + name.len())
}

impl Found {
    fn stmts(&mut self, body: &[ast::Stmt<'_>]) {
        for stmt in body {
            self.stmt(stmt);
        }
    }

    fn stmt(&mut self, stmt: &ast::Stmt<'_>) {
        match stmt {
            ast::Stmt::Template(it) => self.stmts(&it.children),
            ast::Stmt::EmitExpr(it) => self.expr(&it.expr, false),
            ast::Stmt::EmitRaw(_) => {}
            ast::Stmt::ForLoop(it) => {
                self.locals.insert("loop".to_owned());
                self.target(&it.target);
                self.expr(&it.iter, false);
                self.maybe(it.filter_expr.as_ref());
                self.stmts(&it.body);
                self.stmts(&it.else_body);
            }
            ast::Stmt::IfCond(it) => {
                self.expr(&it.expr, false);
                self.stmts(&it.true_body);
                self.stmts(&it.false_body);
            }
            ast::Stmt::WithBlock(it) => {
                for (target, value) in &it.assignments {
                    self.target(target);
                    self.expr(value, false);
                }
                self.stmts(&it.body);
            }
            ast::Stmt::Set(it) => {
                self.target(&it.target);
                self.expr(&it.expr, false);
            }
            ast::Stmt::SetBlock(it) => {
                self.target(&it.target);
                self.maybe(it.filter.as_ref());
                self.stmts(&it.body);
            }
            ast::Stmt::AutoEscape(it) => self.stmts(&it.body),
            ast::Stmt::FilterBlock(it) => {
                self.expr(&it.filter, false);
                self.stmts(&it.body);
            }
            ast::Stmt::Block(it) => self.stmts(&it.body),
            ast::Stmt::Import(it) => {
                self.expr(&it.expr, false);
                self.target(&it.name);
            }
            ast::Stmt::FromImport(it) => {
                self.expr(&it.expr, false);
                for (name, alias) in &it.names {
                    self.target(alias.as_ref().unwrap_or(name));
                }
            }
            ast::Stmt::Extends(it) => self.expr(&it.name, false),
            ast::Stmt::Include(it) => self.expr(&it.name, false),
            ast::Stmt::Macro(it) => self.macro_(it),
            ast::Stmt::CallBlock(it) => {
                self.call(&it.call);
                self.macro_(&it.macro_decl);
            }
            ast::Stmt::Do(it) => self.call(&it.call),
        }
    }

    fn macro_(&mut self, it: &ast::Macro<'_>) {
        self.locals.insert(it.name.to_owned());
        self.locals.insert("caller".to_owned());
        for argument in &it.args {
            self.target(argument);
        }
        for default in &it.defaults {
            self.expr(default, false);
        }
        self.stmts(&it.body);
    }

    /// Names that are assigned to.
    fn target(&mut self, target: &ast::Expr<'_>) {
        match target {
            ast::Expr::Var(var) => {
                self.locals.insert(var.id.to_owned());
            }
            ast::Expr::List(list) => list.items.iter().for_each(|item| self.target(item)),
            ast::Expr::Tuple(tuple) => tuple.items.iter().for_each(|item| self.target(item)),
            _ => {}
        }
    }

    fn maybe(&mut self, expr: Option<&ast::Expr<'_>>) {
        if let Some(expr) = expr {
            self.expr(expr, false);
        }
    }

    fn expr(&mut self, expr: &ast::Expr<'_>, guarded: bool) {
        match expr {
            ast::Expr::Var(_) | ast::Expr::GetAttr(_) | ast::Expr::GetItem(_) => self.access(expr, guarded),
            ast::Expr::Const(_) => {}
            ast::Expr::Slice(it) => {
                self.expr(&it.expr, guarded);
                for part in [&it.start, &it.stop, &it.step] {
                    self.maybe(part.as_ref());
                }
            }
            ast::Expr::UnaryOp(it) => self.expr(&it.expr, false),
            ast::Expr::BinOp(it) => {
                if let (ast::BinOpKind::Rem, ast::Expr::Const(left)) = (&it.op, &it.left)
                    && left.value.as_str().is_some()
                {
                    self.percents.push(range(it.left.span()).start..range(it.span()).end);
                }
                self.expr(&it.left, false);
                self.expr(&it.right, false);
            }
            ast::Expr::Compare(it) => {
                self.expr(&it.expr, false);
                it.ops.iter().for_each(|op| self.expr(&op.expr, false));
            }
            ast::Expr::IfExpr(it) => {
                self.expr(&it.test_expr, false);
                self.expr(&it.true_expr, false);
                self.maybe(it.false_expr.as_ref());
            }
            ast::Expr::Filter(it) => {
                let short = it.name.trim_start_matches("ansible.builtin.");
                let lenient = matches!(short, "default" | "d");
                if let Some(inner) = &it.expr {
                    self.expr(inner, lenient);
                }
                let from = it.expr.as_ref().map(|inner| range(inner.span()).end);
                self.filters.push(Named {
                    name: it.name.to_owned(),
                    range: name_range(it.span(), from, it.name),
                    argument: first_text(&it.args),
                });
                self.args(&it.args);
            }
            ast::Expr::Test(it) => {
                let short = it.name.trim_start_matches("ansible.builtin.");
                self.expr(&it.expr, matches!(short, "defined" | "undefined"));
                self.tests.push(Named {
                    name: it.name.to_owned(),
                    range: name_range(it.span(), Some(range(it.expr.span()).end), it.name),
                    argument: first_text(&it.args),
                });
                self.args(&it.args);
            }
            ast::Expr::Call(it) => self.call(it),
            ast::Expr::List(it) => it.items.iter().for_each(|item| self.expr(item, guarded)),
            ast::Expr::Tuple(it) => it.items.iter().for_each(|item| self.expr(item, guarded)),
            ast::Expr::Map(it) => {
                it.keys.iter().chain(&it.values).for_each(|item| self.expr(item, false));
            }
        }
    }

    fn call(&mut self, call: &ast::Call<'_>) {
        let argument = first_text(&call.args);
        match &call.expr {
            ast::Expr::Var(var) => {
                self.functions.push(Named { name: var.id.to_owned(), range: range(var.span()), argument });
            }
            ast::Expr::GetAttr(attr) => {
                let start = range(attr.expr.span()).end;
                self.methods.push(Named {
                    name: attr.name.to_owned(),
                    range: start..range(attr.span()).end.max(start),
                    argument,
                });
                self.expr(&attr.expr, false);
            }
            other => self.expr(other, false),
        }
        self.args(&call.args);
    }

    fn args(&mut self, args: &[ast::CallArg<'_>]) {
        for arg in args {
            match arg {
                ast::CallArg::Pos(expr)
                | ast::CallArg::Kwarg(_, expr)
                | ast::CallArg::PosSplat(expr)
                | ast::CallArg::KwargSplat(expr) => self.expr(expr, false),
            }
        }
    }

    /// A name with everything that is taken from it, as one.
    fn access(&mut self, expr: &ast::Expr<'_>, guarded: bool) {
        let mut ends = Vec::new();
        let mut base = expr;
        loop {
            match base {
                ast::Expr::GetAttr(it) => {
                    ends.push(range(it.span()).end);
                    base = &it.expr;
                }
                ast::Expr::GetItem(it) => {
                    ends.push(range(it.span()).end);
                    self.expr(&it.subscript_expr, false);
                    base = &it.expr;
                }
                _ => break,
            }
        }
        let ast::Expr::Var(var) = base else {
            return self.expr(base, guarded);
        };
        let head = range(var.span());
        ends.push(head.end);
        ends.reverse();
        let end = ends.last().copied().unwrap_or(head.end);
        self.accesses.push(Access { head: var.id.to_owned(), range: head.start..end, ends, guarded });
    }
}

fn first_text(args: &[ast::CallArg<'_>]) -> Option<String> {
    match args.first()? {
        ast::CallArg::Pos(ast::Expr::Const(value)) => value.value.as_str().map(str::to_owned),
        _ => None,
    }
}
