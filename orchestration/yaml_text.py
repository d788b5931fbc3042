"""YAML as the project reads it: by libyaml, which takes a tenth of the time, where it is there.

Does not belong here: what a document must hold.
"""

from __future__ import annotations

from typing import Any

import yaml

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_yaml(text: str) -> Any:
    """The document as plain values; None where there is none.

    Raises:
        yaml.YAMLError: the text is no YAML.
    """
    try:
        return yaml.load(text, Loader=LOADER)
    except yaml.YAMLError:
        # libyaml tells a text that ends too early by a line after its last one.
        return yaml.load(text, Loader=yaml.SafeLoader)
