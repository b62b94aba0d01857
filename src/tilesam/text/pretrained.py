"""Networks that others trained: by their name on the hub, or from a folder.

`transformers` is imported when the first one is loaded, never before. Nothing that is
loaded runs code: weights are read from safetensors alone.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from os import fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from tilesam.errors import TextError
from tilesam.model.checkpoints.locations import OFFLINE_VARIABLE, is_offline
from tilesam.text.backends import INSTALL

if TYPE_CHECKING:
    from os import PathLike

LIBRARY = "transformers"


def require_library() -> None:
    """Make sure that the library is installed, without importing it.

    Raises
    ------
    TextError
        If it is not.
    """
    if find_spec(LIBRARY) is None:
        raise TextError(
            f"open-vocabulary text backends need the package {LIBRARY}, which is not "
            f"installed; install it with: {INSTALL}"
        )


def load_pretrained(class_name: str, place: str | PathLike[str], **options: Any) -> Any:
    """Return what a class of `transformers` loads.

    Parameters
    ----------
    class_name
        For example "AutoModel".
    place
        Name on the hub, or the path of a folder.
    **options
        Of its `from_pretrained`.

    Raises
    ------
    TextError
        If a package or the folder is missing, the hub cannot be reached, or there is
        nothing of this kind.
    """
    require_library()
    where, is_folder = _locate(place)
    try:
        library = import_module(LIBRARY)
        return getattr(library, class_name).from_pretrained(
            where, local_files_only=is_offline(), **options
        )
    except ImportError as error:
        raise TextError(
            f"{where} needs a package that is missing: {_first_line(error)}; install "
            f"it; what most models need comes with: {INSTALL}"
        ) from error
    except OSError as error:
        raise TextError(_not_found(where, is_folder, error)) from error
    except (ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise TextError(
            f"{where} cannot be loaded with {class_name}: {_first_line(error)}; "
            f"expected a model that this version of {LIBRARY} knows"
        ) from error


def load_network(class_name: str, place: str | PathLike[str]) -> Any:
    """Return a network with all of its weights, ready to be used.

    Raises
    ------
    TextError
        See `load_pretrained`.
    """
    network, report = load_pretrained(
        class_name, place, use_safetensors=True, output_loading_info=True
    )
    missing = sorted(report["missing_keys"])
    if missing:
        # The library fills them with random numbers.
        raise TextError(
            f"{place} lacks {len(missing)} weights of a {type(network).__name__}, "
            f"{missing[0]} for one; expected a whole model of this kind"
        )
    return network.eval().requires_grad_(False)


def load_image_processor(place: str | PathLike[str]) -> Any:
    """Return what prepares pictures; that of Pillow and NumPy, not of torchvision.

    Raises
    ------
    TextError
        See `load_pretrained`.
    """
    return load_pretrained("AutoImageProcessor", place, backend="pil")


def _locate(place: str | PathLike[str]) -> tuple[str, bool]:
    """Return what `from_pretrained` takes, and whether it is a folder."""
    written = fspath(place)
    folder = Path(written).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise TextError(_lacking(str(folder), "there is no config.json"))
        return str(folder), True
    looks_like_path = written.startswith(("~", ".", "/", "\\")) or folder.is_absolute()
    if looks_like_path or written.count("/") > 1 or not written.strip():
        raise TextError(
            f"there is no folder {written!r}; expected one with a model's "
            "config.json and weights, or a name on the hub such as owner/model"
        )
    return written, False


def _not_found(where: str, is_folder: bool, error: OSError) -> str:
    if is_folder:
        return _lacking(where, _first_line(error))
    why = _first_line(error)
    if is_offline():
        why = f"it is not in the hub's cache, and {OFFLINE_VARIABLE} forbids downloads"
    return (
        f"the model {where!r} could not be fetched from the hub: {why}; "
        "check name and network; or, on a machine that has one, run `hf download "
        f"{where} --local-dir FOLDER`, bring the folder here and give its path instead "
        "of the name"
    )


def _lacking(folder: str, what: str) -> str:
    return (
        f"the folder {folder} lacks a file, or one is damaged: {what}; expected "
        "config.json, model.safetensors, the tokenizer's files and "
        "preprocessor_config.json of one model, as `hf download` fetches them"
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".:; ")
