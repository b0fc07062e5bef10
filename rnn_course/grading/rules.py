"""What a submission may not use, found in its text.

Names are followed through imports and assignments ("from keras import layers as L; L.LSTM"), and through the student's
own functions: what an exercise's function calls belongs to it. Code can hide from such a search; the traps
(`rnn_course.assignments.traps`) and the packages that are absent in the sandbox catch what runs, and a use outside an
exercise, or ways to run text as code, are told to the teacher.
"""

import ast
from functools import lru_cache
from typing import NamedTuple

from IPython.core.inputtransformer2 import TransformerManager

WAYS_ROUND = {"exec", "eval", "compile", "__import__", "importlib.import_module", "importlib.reload", "sys.modules[]"}
SPECIAL = "__dict__", "__globals__", "__subclasses__", "__builtins__"


class Findings(NamedTuple):
    """What was found: by exercise, the names that it may not use; and remarks for the teacher."""

    by_exercise: dict
    remarks: list


def search(sources, assignment):
    """Search the student's code cells.

    Parameters
    ----------
    sources : list of str
        The code cells that the student wrote or may have changed.
    assignment : rnn_course.assignments.exercise.Assignment
        Says what is forbidden where.

    Returns
    -------
    Findings
    """
    statements = [s for source in sources for s in statements_of(source)]
    aliases = aliases_of(statements)
    definitions = definitions_of(statements)
    by_exercise, inside = {}, set()
    for exercise in assignment.exercises.values():
        reached = reachable(exercise.needs, definitions)
        inside |= {id(s) for s in reached}
        used = {name for s in reached for name in names_in(s, aliases)}
        found = sorted({f for f in (*exercise.forbidden, *assignment.absent) if any(covers(f, name) for name in used)})
        if found:
            by_exercise[exercise.name] = found
    outside = {name for s in statements if id(s) not in inside for name in names_in(s, aliases)}
    everywhere = {name for s in statements for name in names_in(s, aliases)}
    remarks = [
        f"uses {f} outside the exercises" for f in assignment.forbidden if any(covers(f, name) for name in outside)
    ]
    remarks += [f"uses {name}" for name in sorted(everywhere & (WAYS_ROUND | set(SPECIAL)))]
    remarks += [f"changes {name}" for name in sorted(set(changed_names(statements, aliases)))]
    return Findings(by_exercise, remarks)


def covers(forbidden, name):
    """Return whether ``name`` is what is forbidden, or lies within it."""
    return name == forbidden or name.startswith(f"{forbidden}.")


@lru_cache(maxsize=1024)
def statements_of(source):
    """Return the statements of a cell; one that is not Python has none, and will say so when it runs."""
    try:
        return ast.parse(TransformerManager().transform_cell(source)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def aliases_of(statements):
    """Return what each name stands for, by imports and plain assignments anywhere: {name: full name}."""
    aliases = {}
    nodes = [node for s in statements for node in ast.walk(s)]
    for node in nodes:
        if isinstance(node, ast.Import):
            for a in node.names:
                aliases[a.asname or a.name.partition(".")[0]] = a.name if a.asname else a.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module:
            aliases |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.value, (ast.Name, ast.Attribute)):
            full = full_name(node.value, aliases)
            aliases |= {t.id: full for t in node.targets if isinstance(t, ast.Name) and full and full != t.id}
    return aliases


def full_name(node, aliases):
    """Return the dotted name that ``node`` is, with its first part followed through ``aliases``; or None."""
    parts = []
    while True:
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        elif is_getattr(node):
            parts.append(node.args[1].value)
            node = node.args[0]
        else:
            break
    if not isinstance(node, ast.Name):
        return None
    return ".".join([aliases.get(node.id, node.id), *reversed(parts)])


def is_getattr(node):
    """Return whether ``node`` is getattr(object, "name")."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "getattr"
        and len(node.args) >= 2
        and isinstance(node.args[1], ast.Constant)
        and isinstance(node.args[1].value, str)
    )


def names_in(statement, aliases):
    """Return the full names that a statement uses or imports."""
    found = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{a.name}" for a in node.names}
        elif is_read(node) and (name := full_name(node, aliases)):
            found.add(name)
        if isinstance(node, ast.Attribute) and node.attr in SPECIAL:
            found.add(node.attr)
        if isinstance(node, ast.Subscript) and full_name(node.value, aliases) == "sys.modules":
            found.add("sys.modules[]")
    return found


def is_read(node):
    """Return whether ``node`` may be a name that is used, and not one that is given a value."""
    return isinstance(node, ast.Call) or isinstance(getattr(node, "ctx", None), ast.Load)


def definitions_of(statements):
    """Return the statements that give each name its value: {name: [statement]}."""
    found = {}
    for s in statements:
        for name in names_defined(s):
            found.setdefault(name, []).append(s)
    return found


def names_defined(statement):
    """Return the names that a statement binds."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {statement.name}
    return names_stored(ast.walk(statement))


def reachable(names, definitions):
    """Return the statements that define ``names``, and those that define what they use, and so on."""
    waiting, seen, found = list(names), set(), []
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for statement in definitions.get(name, []):
            found.append(statement)
            waiting += global_names(statement)
    return found


def global_names(statement):
    """Return the names that a statement takes from outside; the parameters and variables of a function are its own."""
    nodes = list(ast.walk(statement))
    used = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return used
    return used - {n.arg for n in nodes if isinstance(n, ast.arg)} - names_stored(nodes)


def names_stored(nodes):
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def changed_names(statements, aliases):
    """Yield the attributes of imported modules to which something is assigned: numpy.testing.assert_allclose = ..."""
    modules = {a.split(".")[0] for a in aliases.values()}
    for node in (n for s in statements for n in ast.walk(s)):
        targets = node.targets if isinstance(node, ast.Assign) else []
        for target in targets:
            name = full_name(target, aliases) if isinstance(target, ast.Attribute) else None
            if name and name.split(".")[0] in modules:
                yield name
        if isinstance(node, ast.Call) and full_name(node.func, aliases) == "setattr" and node.args:
            name = full_name(node.args[0], aliases)
            if name and name.split(".")[0] in modules:
                yield name
