"""Options that belong together: a command has one parameter for them, a user sees each of them."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import wraps
from typing import Any, get_args


@dataclass(frozen=True)
class OptionGroup:
    """Options that one parameter of a command stands for.

    Attributes:
        options: Annotation and default of each, by the name of its keyword.
        make: What makes the parameter's value of theirs.
        last: They stand behind all other options, not where the parameter stands.
    """

    options: Mapping[str, tuple[Any, Any]]
    make: Callable[..., Any]
    last: bool = False

    @classmethod
    def of(cls, made: Any, *, last: bool = False) -> "OptionGroup":
        """The group whose options are a dataclass's fields, each with a default."""
        return cls({each.name: (each.type, each.default) for each in fields(made)}, made, last)


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose parameters that stand for groups are filled from the groups' options.

    typer reads a command's options from its signature, which has each option by itself.
    """
    signature = inspect.signature(command)
    groups: dict[str, OptionGroup] = {}
    parameters: list[inspect.Parameter] = []
    behind: list[inspect.Parameter] = []
    for name, parameter in signature.parameters.items():
        group = next(
            (a for a in get_args(parameter.annotation) if isinstance(a, OptionGroup)), None
        )
        if group is None:
            parameters.append(parameter)
            continue
        groups[name] = group
        (behind if group.last else parameters).extend(
            inspect.Parameter(key, parameter.kind, default=default, annotation=annotation)
            for key, (annotation, default) in group.options.items()
        )
    if not groups:
        return command

    @wraps(command)
    def run(**values: Any) -> None:
        made = {
            name: group.make(**{key: values.pop(key) for key in group.options})
            for name, group in groups.items()
        }
        command(**values, **made)

    return _shown_as(run, parameters + behind)


def with_parameters(
    command: Callable[..., None], more: Mapping[str, Any], others_of: Callable[..., Any]
) -> Callable[..., None]:
    """A command that shows some parameters, by name and annotation, before those of a function."""
    own = [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=annotation)
        for name, annotation in more.items()
    ]
    return _shown_as(command, [*own, *inspect.signature(others_of).parameters.values()])


def _shown_as(
    command: Callable[..., None], parameters: list[inspect.Parameter]
) -> Callable[..., None]:
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return command
