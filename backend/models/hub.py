"""What a Hugging Face repository holds, and which of its files Scumble needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from scumble.link.errors import ErrorCode, ScumbleError
from scumble.models.safetensors_header import PICKLE_SUFFIXES, SAFE_COPY, rejected

REPOSITORY = re.compile(r"[\w][\w.-]{0,95}/[\w][\w.-]{0,95}", re.ASCII)
COMPONENTS = (
    "scheduler",
    "text_encoder",
    "text_encoder_2",
    "tokenizer",
    "tokenizer_2",
    "unet",
    "vae",
)
TEXT_SUFFIXES = (".json", ".txt")
_SHARD = r"(-\d{5}-of-\d{5})?"
_PLAIN = re.compile(rf"(diffusion_pytorch_model|model){_SHARD}\.safetensors")
_HALF = re.compile(rf"(diffusion_pytorch_model|model)(\.fp16{_SHARD}|{_SHARD}\.fp16)\.safetensors")
_LICENCE_PAGES = {
    "creativeml-openrail-m": "https://huggingface.co/spaces/CompVis/stable-diffusion-license",
    "mit": "https://opensource.org/license/mit",
    "apache-2.0": "https://www.apache.org/licenses/LICENSE-2.0",
}


@dataclass(frozen=True)
class RemoteFile:
    """size: bytes. sha256: of large files, "" for small ones, which have git's blob_id."""

    path: str
    size: int
    sha256: str = ""
    blob_id: str = ""


@dataclass(frozen=True)
class Plan:
    """What will be fetched. commit: the exact revision, so that a repair gets the same bytes.

    pipeline: whether it is a diffusers folder (else one file, or a small model).
    """

    repository: str
    commit: str
    licence: str
    licence_page: str
    files: tuple[RemoteFile, ...]
    pipeline: bool

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


def is_hub_id(source: str) -> bool:
    """Whether `source` looks like "owner/name" or "owner/name/file.safetensors"."""
    parts = source.split("/")
    wanted = len(parts) == 2 or (len(parts) > 2 and source.endswith(".safetensors"))
    return wanted and ".." not in source and bool(REPOSITORY.fullmatch("/".join(parts[:2])))


def plan(source: str, *, full_precision: bool = False, endpoint: str | None = None) -> Plan:
    """Ask the hub what `source` holds and choose what is needed.

    Half-precision safetensors are taken where there are any (full_precision:
    the plain ones). Raises ScumbleError: model_missing (no such repository, or
    no network), model_rejected (gated, pickles only, nothing of use).
    """
    from huggingface_hub import HfApi

    parts = source.split("/")
    repository, wanted = "/".join(parts[:2]), "/".join(parts[2:])
    with translated(repository):
        info = HfApi(endpoint=endpoint).model_info(repository, files_metadata=True)
    siblings = [file for file in info.siblings or () if _is_safe(file.rfilename)]
    files = {file.rfilename: _remote(file) for file in siblings}
    if wanted:
        names, pipeline = [name for name in files if name == wanted], False
        if not names:
            raise _nothing(repository, f"has no file “{wanted[:120]}”", "Look at its page.")
    else:
        names, pipeline = choose(repository, files, full_precision)
    licence, page = _licence(repository, info.card_data)
    chosen = tuple(files[name] for name in sorted(names))
    return Plan(repository, str(info.sha), licence, page, chosen, pipeline)


def choose(
    repository: str, names: Iterable[str], full_precision: bool = False
) -> tuple[list[str], bool]:
    """The files that are needed among a repository's, and whether they are a diffusers folder."""
    names = list(names)
    if "model_index.json" not in names:
        return _choose_single(repository, names), False
    chosen = ["model_index.json"]
    folders = {c: [n for n in names if re.fullmatch(rf"{c}/[^/]+", n)] for c in COMPONENTS}
    if not folders["unet"]:
        raise _nothing(
            repository, "is no Stable Diffusion model", "Scumble runs Stable Diffusion 1, 2 and XL."
        )
    # one precision for all parts, since the loader asks for one
    half = _has_all(folders, _HALF) and not (full_precision and _has_all(folders, _PLAIN))
    for component, inside in folders.items():
        weights = _weights(inside, _HALF if half else _PLAIN)
        broken = [name for name in inside if name.endswith(tuple(PICKLE_SUFFIXES))]
        if broken and not weights:
            raise rejected(f"{repository} has its {component} as a pickle only.", SAFE_COPY)
        texts = [name for name in inside if name.endswith(TEXT_SUFFIXES)]
        chosen += [name for name in texts if _is_index_of(name, half)] + weights
    return chosen, True


def _has_all(folders: dict[str, list[str]], pattern: re.Pattern[str]) -> bool:
    """Whether each component that has weights has such ones."""
    weighty = (*PICKLE_SUFFIXES, ".safetensors")
    return all(
        _weights(inside, pattern)
        for inside in folders.values()
        if any(name.endswith(weighty) for name in inside)
    )


def _weights(names: list[str], pattern: re.Pattern[str]) -> list[str]:
    """One whole file, or the shards."""
    found = [name for name in names if pattern.fullmatch(name.split("/")[1])]
    whole = [name for name in found if "-of-" not in name]
    return whole or found


def _is_index_of(name: str, half: bool) -> bool:
    """Text files all, but of the indices of sharded weights only those of the chosen kind."""
    return ".index." not in name or (".fp16" in name) == half


def _choose_single(repository: str, names: list[str]) -> list[str]:
    top = [name for name in names if "/" not in name and name.endswith(".safetensors")]
    if "diffusion_pytorch_model.safetensors" in top and "config.json" in names:
        return ["config.json", "diffusion_pytorch_model.safetensors"]
    if len(top) == 1:
        return top
    if len(top) > 1:
        raise _nothing(
            repository,
            "holds several models",
            f"Name one of them, for example {repository}/{sorted(top)[0]}.",
        )
    if any(name.endswith(tuple(PICKLE_SUFFIXES)) for name in names):
        raise rejected(f"{repository} holds pickles only.", SAFE_COPY)
    raise _nothing(repository, "holds no safetensors model", "Check the name on its page.")


def _nothing(repository: str, what: str, hint: str) -> ScumbleError:
    return rejected(f"{repository} {what}.", hint)


def _is_safe(name: str) -> bool:
    """Whether a remote name stays inside the folder it is saved to, on every system."""
    parts = name.split("/")
    return all(part not in ("", ".", "..") for part in parts) and not set(name) & set('\\:*?"<>|\0')


def _remote(sibling: Any) -> RemoteFile:
    lfs = sibling.lfs
    return RemoteFile(
        path=sibling.rfilename,
        size=int(sibling.size or 0),
        sha256=lfs.sha256 if lfs else "",
        blob_id="" if lfs else (sibling.blob_id or ""),
    )


def _licence(repository: str, card: Any) -> tuple[str, str]:
    """The licence's name and where its text stands."""
    said = card.to_dict() if card is not None else {}
    name = str(said.get("license") or "not stated")
    if name == "other":
        name = str(said.get("license_name") or "other")
    page = said.get("license_link") or _LICENCE_PAGES.get(name)
    return name, str(page or f"https://huggingface.co/{repository}")


@contextmanager
def translated(repository: str) -> Iterator[None]:
    """Turns what huggingface_hub and the network raise within into ScumbleErrors."""
    try:
        yield
    except Exception as error:
        known = _translate(repository, error)
        if known is None:
            raise
        raise known from error


def _translate(repository: str, error: Exception) -> ScumbleError | None:
    from huggingface_hub import errors

    if isinstance(error, ScumbleError):
        return None
    page = f"https://huggingface.co/{repository}"
    if isinstance(error, errors.GatedRepoError):
        return rejected(
            f"{repository} is given to those only who accept its licence.",
            f"Accept it on {page}, then log in with: hf auth login.",
        )
    if isinstance(error, (errors.RepositoryNotFoundError, errors.RevisionNotFoundError)):
        return ScumbleError(
            ErrorCode.MODEL_MISSING,
            f"There is no model {repository} on the hub, or it is private.",
            "Check the spelling, or log in with: hf auth login.",
        )
    if isinstance(error, errors.HfHubHTTPError):
        return ScumbleError(
            ErrorCode.MODEL_MISSING,
            f"The hub refused {repository} ({error.response.status_code}).",
            "Try again later.",
        )
    if is_network(error) or isinstance(error, errors.OfflineModeIsEnabled):
        return ScumbleError(
            ErrorCode.MODEL_MISSING,
            f"The hub cannot be reached to fetch {repository}.",
            "Check the connection and try again; what has arrived is kept.",
        )
    if isinstance(error, (ValueError, KeyError, TypeError)):  # a login page, a name it refuses
        return rejected(
            f"The hub's answer about {repository} cannot be understood.",
            "Check the name, and whether a proxy or a login page stands between.",
        )
    return None


def is_network(error: Exception) -> bool:
    """Whether the line failed. huggingface_hub's own errors are answers, not failures."""
    library = type(error).__module__.partition(".")[0]
    return library.startswith(("httpx", "httpcore")) or isinstance(error, ConnectionError)
