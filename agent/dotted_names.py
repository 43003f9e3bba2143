"""Dotted names in running text, told apart from files, sites and addresses."""

from __future__ import annotations

import builtins
import re
import types

DOTTED = re.compile(r"(?<![\w.\\/@\-)\]\"'])[^\W\d]\w*(?:\.[^\W\d]\w*)+(?!\.?[\w/\\@]|-\w)")
"""Names such as `fury.actor.sphere`: whole ones, not pieces of a path, an address or an expression."""
_NO_MEMBER = re.compile(  # `window.py` is a file and `fury.gl` a site
    r"c|cfg|cpp|css|csv|gif|git|glb|glsl|gltf|h|html|ini|ipynb|jpe?g|js|json|md|npy|npz|obj|pdf|ply|png|pyi?|rst|sh|stl|svg"
    r"|toml|trk|txt|vtk|vtp|wgsl|whl|xml|ya?ml|zip|com|dev|gl|io|net|org",
    re.IGNORECASE,
)
_IMPORT = re.compile(r"\bfrom\s+([^\W\d][\w.]*)\s+import\s+\(?\s*([^\W\d]\w*(?:\s*,\s*[^\W\d]\w*)*)")
_NO_ATTRIBUTE = re.compile(r"""module ['"`]([\w.]+)['"`] has no attribute ['"`](\w+)['"`]""")
_NO_MEMBER_OF = re.compile(r"""['"`](\w+)['"`](?: object)? has no attribute ['"`](\w+)['"`]""")
_PYTHONS_OWN = frozenset(
    kind.__name__ for module in (builtins, types) for kind in vars(module).values() if isinstance(kind, type)
)
"""`'NoneType' object has no attribute 'x'` is about no class of the library, whatever that calls its own."""
_NO_IMPORT = re.compile(r"""cannot import name ['"`](\w+)['"`] from ['"`]([\w.]+)['"`]""")
_NO_MODULE = re.compile(r"""No module named ['"`]([\w.]+)['"`]""")


def is_file_or_site(name: str) -> bool:
    """Whether the end of a dotted name is that of a file or site rather than a member's."""
    return _NO_MEMBER.fullmatch(name.partition(".")[2].rpartition(".")[2]) is not None


def written_names(text: str) -> tuple[str, ...]:
    """Return the dotted names that a text writes out, imports, or quotes from Python's error messages, in that order.

    `module 'fury.actor' has no attribute 'cube'` and `from fury.actor import cube` both give `fury.actor.cube`, and
    `'Scene' object has no attribute 'rm'` gives `Scene.rm`. Names with a private part are left out; some may still be
    those of files (`window.py`).
    """
    found = [match[0] for match in DOTTED.finditer(text)]
    found += [path for _, path in imported_names(text)]
    found += [f"{module}.{name}" for module, name in _NO_ATTRIBUTE.findall(text)]
    found += lacking_members(text)
    found += [f"{module}.{name}" for name, module in _NO_IMPORT.findall(text)]
    found += _NO_MODULE.findall(text)
    whole = (name for name in dict.fromkeys(found) if "." in name)
    return tuple(name for name in whole if not any(part.startswith("_") for part in name.split(".")))


def imported_names(text: str) -> tuple[tuple[str, str], ...]:
    """Return (name, dotted path) for each name that a text imports: `from fury import actor` gives `fury.actor`."""
    return tuple(
        (name.strip(), f"{module}.{name.strip()}")
        for module, names in _IMPORT.findall(text)
        for name in names.split(",")
    )


def lacking_members(text: str) -> list[str]:
    """Return the names of members that classes lack, by Python's error messages: `Scene.rm`."""
    return [f"{owner}.{name}" for owner, name in _NO_MEMBER_OF.findall(text) if owner not in _PYTHONS_OWN]
