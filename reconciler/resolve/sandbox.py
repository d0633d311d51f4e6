"""Compiles rules and templates with Jinja2, after taking everything out of them that could do harm.

A source is parsed, and its tree rewritten node by node from an allow-list, before anything is compiled: an attribute of
a person becomes a plain name, a method call one of our own functions, and whatever is not on the list is refused. So
what Jinja's own sandbox then runs has no attribute access, no call, no loop and no operator that multiplies.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from jinja2 import TemplateError, TemplateSyntaxError, nodes
from jinja2.environment import TemplateExpression
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from reconciler.errors import ExpressionError
from reconciler.items import Value
from reconciler.resolve.expression import as_text, shorten
from reconciler.resolve.functions import FUNCTIONS, OPERATORS, Lacking, bounded

_DEEPEST = 60
_MOST_NODES = 400
_PREFIX = "a_"
_NOTHING = "nothing"
_PLAIN_NODES = (nodes.And, nodes.Or, nodes.Not, nodes.CondExpr, nodes.Add, nodes.List, nodes.Tuple)
_HINT = f"allowed are comparisons, and, or, not, in, if/else, ~, +, [0], [:1] and {', '.join(sorted(FUNCTIONS))}"
_LACKING = Lacking()
_FAILURES = (TypeError, ValueError, LookupError, ArithmeticError, RecursionError, TemplateError)

_Node = TypeVar("_Node", bound=nodes.Node)


def _make_environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(undefined=Lacking, autoescape=False, keep_trailing_newline=True)
    environment.globals.clear()
    environment.tests.clear()
    environment.filters.clear()
    environment.filters.update({name: function.call for name, function in FUNCTIONS.items()}, **OPERATORS)
    return environment


_ENVIRONMENT = _make_environment()


def compile_rule(source: str) -> tuple[frozenset[str], Callable[[Mapping[str, object]], object]]:
    """Compile an expression over attributes by their bare names; return those, and what evaluates it.

    Raises:
        ExpressionError: it is no expression, or not one that is allowed.
    """
    rewriter = _Rewriter(source, person="")
    evaluate = _compile(rewriter.rewrite(_parse(source, _parse_expression)), source)
    names = frozenset(rewriter.names)
    return names, lambda attributes: evaluate(_bind(names, attributes))


def compile_text(source: str) -> tuple[frozenset[str], Callable[[Mapping[str, Value]], Value]]:
    """Compile a template over `person`; return the attributes' names, and what renders it.

    Raises:
        ExpressionError: it is no template, or not one that is allowed.
    """
    rewriter = _Rewriter(source, person="person")
    output = _output_of(_parse(source, _ENVIRONMENT.parse), source)
    single = len(output) == 1 and not isinstance(output[0], nodes.TemplateData)
    parts = [rewriter.rewrite(part) for part in output]
    evaluate = _compile(parts[0] if single else nodes.Concat([_apply("+text", part) for part in parts]), source)
    names = frozenset(rewriter.names)
    return names, lambda person: _as_value(evaluate(_bind(names, person)), source)


class _Rewriter:
    """Rebuilds one source's tree from what is allowed.

    Args:
        source: for messages.
        person: the name that attributes stand under, or empty where they are written bare.
    """

    def __init__(self, source: str, *, person: str) -> None:
        self.names: set[str] = set()
        self._source = source
        self._person = person
        self._count = 0

    def rewrite(self, node: nodes.Node, depth: int = 0) -> nodes.Expr:
        """Return a node made of nothing but names, constants, our functions and harmless operators."""
        self._count += 1
        if depth > _DEEPEST or self._count > _MOST_NODES:
            raise self._refuse("is nested too deeply or too long")
        if isinstance(node, _PLAIN_NODES):
            return self._rewrite_children(node, depth + 1)
        match node:
            case nodes.TemplateData(data=text):
                return nodes.Const(text)
            case nodes.Const(value=value):
                return nodes.Name(_NOTHING, "load") if value is None else nodes.Const(value)
            case nodes.Name() | nodes.Getattr(node=nodes.Name()) | nodes.Getitem(node=nodes.Name(name=self._person)):
                return self._rewrite_name(node)
        return self._rewrite_operation(node, depth + 1)

    def _rewrite_operation(self, node: nodes.Node, depth: int) -> nodes.Expr:
        match node:
            case nodes.Neg(node=nodes.Const(value=int() | float() as value)):
                return nodes.Const(-value)
            case nodes.Concat(nodes=parts):
                return nodes.Concat([_apply("+text", self.rewrite(part, depth)) for part in parts])
            case nodes.Compare():
                return self._rewrite_comparison(node, depth)
            case nodes.Getitem(node=inner, arg=arg):
                return self._rewrite_item(self.rewrite(inner, depth), arg)
        return self._rewrite_function(node, depth)

    def _rewrite_function(self, node: nodes.Node, depth: int) -> nodes.Expr:
        match node:
            case nodes.Filter(node=nodes.Expr() as inner, name=name):
                return self._rewrite_call(inner, name, node, depth, method=False)
            case nodes.Call(node=nodes.Getattr(node=inner, attr=name)):
                return self._rewrite_call(inner, name, node, depth, method=True)
            case nodes.Test(node=inner, name="none" | "undefined", args=[]):
                return _apply("+lacking", self.rewrite(inner, depth))
            case nodes.Test(node=inner, name="defined", args=[]):
                return nodes.Not(_apply("+lacking", self.rewrite(inner, depth)))
        raise self._refuse(f"may not hold a {_call_node(node)}")

    def _rewrite_children(self, node: nodes.Expr, depth: int) -> nodes.Expr:
        for field, value in node.iter_fields():
            if isinstance(value, nodes.Node):
                setattr(node, field, self.rewrite(value, depth))
            elif isinstance(value, list):
                setattr(node, field, [self.rewrite(child, depth) for child in value])
        return node

    def _rewrite_name(self, node: nodes.Node) -> nodes.Expr:
        """Make `person.title`, `person["title"]` or a bare `title` a plain name."""
        match node:
            case nodes.Name(name=name) if not self._person:
                return self._name(name)
            case nodes.Getattr(node=nodes.Name(name=self._person), attr=name) if self._person:
                return self._name(name)
            case nodes.Getitem(arg=nodes.Const(value=str() as name)) if self._person:
                return self._name(name)
        raise self._refuse(
            "may only use attributes as `person.title`" if self._person else "may not use attributes of a value"
        )

    def _name(self, name: str) -> nodes.Expr:
        if name.startswith("_") or not name.isidentifier():
            raise self._refuse(f"may not use the name {name!r}")
        self.names.add(name)
        return nodes.Name(_PREFIX + name, "load")

    def _rewrite_comparison(self, node: nodes.Compare, depth: int) -> nodes.Expr:
        first = self.rewrite(node.expr, depth)
        operands = [(operand.op, self.rewrite(operand.expr, depth)) for operand in node.ops]
        match operands:
            case [("in", several)]:
                return _apply("+in", first, several)
            case [("notin", several)]:
                return nodes.Not(_apply("+in", first, several))
        if any(operator in ("in", "notin") for operator, _ in operands):
            raise self._refuse("may not chain `in` with another comparison; write `and` between them")
        return nodes.Compare(first, [nodes.Operand(operator, operand) for operator, operand in operands])

    def _rewrite_item(self, value: nodes.Expr, arg: nodes.Node) -> nodes.Expr:
        if isinstance(arg, nodes.Slice) and arg.step is None:
            return _apply("+slice", value, self._index(arg.start), self._index(arg.stop))
        return _apply("+item", value, self._index(arg))

    def _index(self, node: nodes.Node | None) -> nodes.Expr:
        match node:
            case None:
                return nodes.Const(None)
            case nodes.Const(value=int() as value):
                return nodes.Const(value)
            case nodes.Neg(node=nodes.Const(value=int() as value)):
                return nodes.Const(-value)
        raise self._refuse("may only use numbers between square brackets")

    def _rewrite_call(
        self, inner: nodes.Expr, name: str, call: nodes.Filter | nodes.Call, depth: int, *, method: bool
    ) -> nodes.Expr:
        function = FUNCTIONS.get(name)
        if function is None or (method and not function.method):
            allowed = sorted(known for known, found in FUNCTIONS.items() if found.method or not method)
            raise self._refuse(f"may not use {name!r}", f"there are {', '.join(allowed)}")
        if call.kwargs or call.dyn_args or call.dyn_kwargs or not function.least <= len(call.args) <= function.most:
            raise self._refuse(f"gives {name!r} arguments that it does not take")
        return _apply(name, self.rewrite(inner, depth), *(self.rewrite(argument, depth) for argument in call.args))

    def _refuse(self, why: str, hint: str = _HINT) -> ExpressionError:
        return ExpressionError(f"{shorten(self._source)!r} {why}", hint=hint)


def _apply(name: str, value: nodes.Expr, *arguments: nodes.Expr) -> nodes.Expr:
    return nodes.Filter(value, name, list(arguments), [], None, None)


def _call_node(node: nodes.Node) -> str:
    return type(node).__name__.lower()


def _parse_expression(source: str) -> nodes.Expr:
    parser = Parser(_ENVIRONMENT, source, state="variable")
    expression = parser.parse_expression()
    if not parser.stream.eos:
        raise TemplateSyntaxError(f"{parser.stream.current.value!r} after the end of the expression", 1)
    return expression


def _parse(source: str, parse: Callable[[str], _Node]) -> _Node:
    try:
        return parse(source)
    except (TemplateSyntaxError, RecursionError) as error:
        why = error.message if isinstance(error, TemplateSyntaxError) else "it is nested too deeply"
        raise ExpressionError(f"{shorten(source)!r} cannot be read: {why}", hint=_HINT) from error


def _output_of(template: nodes.Template, source: str) -> Sequence[nodes.Expr]:
    """Return the texts and expressions of a template that holds nothing else."""
    parts: list[nodes.Expr] = []
    for node in template.body:
        if not isinstance(node, nodes.Output):
            raise ExpressionError(f"{shorten(source)!r} may not hold a {_call_node(node)} statement", hint=_HINT)
        parts.extend(node.nodes)
    return parts


def _compile(expression: nodes.Expr, source: str) -> Callable[[Mapping[str, object]], object]:
    tree = nodes.Template([nodes.Assign(nodes.Name("result", "store"), expression)], lineno=1)
    tree.set_lineno(1)
    tree.set_environment(_ENVIRONMENT)
    compiled = TemplateExpression(_ENVIRONMENT.from_string(tree), undefined_to_none=False)

    def evaluate(context: Mapping[str, object]) -> object:
        try:
            return compiled(context)
        except (*_FAILURES, ExpressionError) as error:
            hint = error.hint if isinstance(error, ExpressionError) else ""
            why = error.message if isinstance(error, ExpressionError) else str(error)
            raise ExpressionError(f"{shorten(source)!r}: {why}", hint=hint) from error

    return evaluate


def _bind(names: frozenset[str], attributes: Mapping[str, object]) -> dict[str, object]:
    bound = {_PREFIX + name: _admit(attributes.get(name)) for name in names}
    bound[_NOTHING] = _LACKING
    return bound


def _admit(value: object) -> object:
    if value is None:
        return _LACKING
    return bounded(value) if isinstance(value, str) else value


def _as_value(result: object, source: str) -> Value:
    match result:
        case Lacking():
            return None
        case str():
            return bounded(result)
        case bool() | int():
            return result
        case float() if math.isfinite(result):
            return result
        case list() | tuple():
            return tuple(bounded(as_text(part)) for part in result if not isinstance(part, Lacking))
    raise ExpressionError(f"{shorten(source)!r} gives {type(result).__name__}, which is no attribute's value")
