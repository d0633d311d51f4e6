"""Finding, loading and configuring providers by entry points of real, if tiny, distributions."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.errors import ProviderError
from reconciler.provider import registry
from reconciler.provider.registry import (
    ConfigFault,
    config_schema,
    installed,
    load_provider,
    read_config,
    validate_config,
)

GOOD = """
from typing import Literal
from pydantic import Field, field_validator
from reconciler.provider.config import ProviderConfig
from reconciler.provider.secret import Secret

class Paging(ProviderConfig):
    size: int = Field(default=100, ge=1, le=1000)
    mode: Literal["index", "cursor"] = "index"

class Config(ProviderConfig):
    url: str
    token: Secret
    paging: Paging = Paging()
    kinds: list[str] = []
    extra: dict[str, Paging] = {}

    @field_validator("url")
    @classmethod
    def check(cls, url):
        if "example" in url:
            raise ValueError("the URL is an example")
        return url

class Provider:
    name = "acme"
    version = "1.0"
    Config = Config

    @classmethod
    def open(cls, config, surroundings): ...
    async def read(self): ...
    async def perform(self, change): ...
    async def __aenter__(self): ...
    async def __aexit__(self, *_): ...
"""
URL = {"url": "https://acme.test", "token": {"env": "ACME_TOKEN"}}

FORMS = "{env: NAME}, {file: PATH} or {sops: FILE, key: DOTTED.PATH}"

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Return a function that installs a distribution with one provider, for the length of a test."""
    monkeypatch.syspath_prepend(str(tmp_path))
    modules: list[str] = []

    def put(name: str, code: str, *, dist: str = "acme-provider", extras: tuple[str, ...] = ()) -> None:
        module = f"{dist.replace('-', '_')}_{name}"
        modules.append(module)
        (tmp_path / f"{module}.py").write_text(code)
        info = tmp_path / f"{dist.replace('-', '_')}-1.0.dist-info"
        info.mkdir(exist_ok=True)
        provides = "".join(f"Provides-Extra: {extra}\n" for extra in extras)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: 1.0\n{provides}")
        points = info / "entry_points.txt"
        before = points.read_text() if points.exists() else "[reconciler.providers]\n"
        points.write_text(f"{before}{name} = {module}:Provider\n")
        registry._entry_points.cache_clear()

    yield put
    registry._entry_points.cache_clear()
    for module in modules:
        sys.modules.pop(module, None)


def test_a_third_party_provider_is_found_and_loaded(install: Install) -> None:
    """An installed distribution with an entry point is all it takes."""
    install("acme", GOOD)
    assert "acme" in installed()
    assert load_provider("acme").name == "acme"


def test_the_providers_of_this_distribution_are_installed() -> None:
    """The three that come with it."""
    assert {"file", "scim", "ticket"} <= set(installed())


def test_a_misspelt_provider_gets_a_suggestion(install: Install) -> None:
    """And a name that is like no other gets the list."""
    install("acme", GOOD)
    with pytest.raises(ProviderError, match=r"there is no provider `acmee`\n  did you mean `acme`\?"):
        load_provider("acmee")
    with pytest.raises(ProviderError, match=r"installed are: acme, .*file, .*scim, .*ticket"):
        load_provider("quux")


def test_a_missing_package_names_the_extra_to_install(install: Install) -> None:
    """Where the distribution has an extra of the provider's name, the message has the command."""
    install("umbrella", "import boto3_that_is_missing", extras=("umbrella",))
    with pytest.raises(ProviderError) as caught:
        load_provider("umbrella")
    assert caught.value.message == ("the provider umbrella cannot be imported: No module named 'boto3_that_is_missing'")
    assert caught.value.hint == "install it with its extra: pip install 'acme-provider[umbrella]'"


def test_a_missing_package_without_an_extra_names_the_distribution(install: Install) -> None:
    """Then its author forgot a dependency."""
    install("umbrella", "import boto3_that_is_missing")
    with pytest.raises(ProviderError, match="it comes from acme-provider"):
        load_provider("umbrella")


def test_a_provider_cannot_be_replaced_by_a_second_package(install: Install) -> None:
    """Two distributions with one name: neither is loaded, since tokens would go to whichever comes first."""
    install("acme", GOOD)
    install("acme", GOOD, dist="evil-provider")
    with pytest.raises(
        ProviderError, match="the provider `acme` is installed twice: by acme-provider and evil-provider"
    ):
        load_provider("acme")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("", "cannot be imported: module .* has no attribute 'Provider'"),
        ("class Provider(:", "cannot be imported"),
        ("Provider = 7", "lacks a class"),
        ("class Provider: name = 'x'", "lacks `version`, a text, `Config`, a pydantic model, `open`, a class method"),
        (GOOD.replace("async def read", "def read"), "lacks `async read`$|lacks `async read`\n"),
        (GOOD.replace("    @classmethod\n    def open(cls,", "    def open(self,"), "lacks `open`, a class method"),
    ],
)
def test_a_class_that_lacks_parts_of_the_contract_is_refused(install: Install, code: str, words: str) -> None:
    """All missing parts are named at once, before anything is run."""
    install("acme", code)
    with pytest.raises(ProviderError, match=words):
        load_provider("acme")


@pytest.mark.parametrize(
    ("data", "faults"),
    [
        (URL, []),
        ({**URL, "paging": {"size": 50, "mode": "cursor"}}, []),
        ({"token": {"env": "T"}}, [(("url",), "`url` is missing")]),
        ({**URL, "tokn": 1}, [(("tokn",), "unknown key `tokn`; did you mean `token`?")]),
        ({**URL, "paging": {"sise": 1}}, [(("paging", "sise"), "unknown key `sise`; did you mean `size`?")]),
        ({**URL, "extra": {"a": {"mod": 1}}}, [(("extra", "a", "mod"), "unknown key `mod`; did you mean `mode`?")]),
        ({**URL, "zzz": 1}, [(("zzz",), "unknown key `zzz`")]),
        ({**URL, "url": 7}, [(("url",), "must be text")]),
        ({**URL, "url": "https://acme.example"}, [(("url",), "the URL is an example")]),
        ({**URL, "paging": {"size": "many"}}, [(("paging", "size"), "must be a whole number")]),
        ({**URL, "paging": {"size": 0}}, [(("paging", "size"), "must be at least 1")]),
        ({**URL, "paging": {"size": 5000}}, [(("paging", "size"), "must be at most 1000")]),
        ({**URL, "paging": {"mode": "page"}}, [(("paging", "mode"), "must be 'index' or 'cursor'")]),
        ({**URL, "paging": "no"}, [(("paging",), "must be a map")]),
        ({**URL, "kinds": ["a", 7]}, [(("kinds", 1), "must be text")]),
        ({**URL, "kinds": "a"}, [(("kinds",), "must be a list")]),
        ("text", [((), "must be a map")]),
        (None, [((), "must be a map")]),
        (
            {"url": 1, "token": "canary"},
            [
                (("url",), "must be text"),
                (("token",), f"a secret is written as a reference, never as itself: {FORMS}"),
            ],
        ),
    ],
)
def test_faults_of_a_configuration_are_told_in_our_words(install: Install, data: object, faults: list[object]) -> None:
    """Each with the path that leads to it, all at once, without the value that was written."""
    install("acme", GOOD)
    assert validate_config("acme", data) == [ConfigFault(*fault) for fault in faults]


def test_a_valid_configuration_becomes_the_providers_model(install: Install) -> None:
    """An invalid one is an error with every fault in it."""
    install("acme", GOOD)
    assert read_config("acme", URL).model_dump()["token"] == {"env": "ACME_TOKEN"}
    with pytest.raises(ProviderError, match=r"the configuration of acme cannot be used: url: `url` is missing; token:"):
        read_config("acme", {})


def test_a_provider_has_a_schema(install: Install) -> None:
    """Editors complete its keys, secrets included."""
    install("acme", GOOD)
    schema = config_schema("acme")
    assert set(schema["properties"]) == {"url", "token", "paging", "kinds", "extra"}
    assert [set(form["properties"]) for form in schema["properties"]["token"]["oneOf"]] == [
        {"env"},
        {"file"},
        {"sops", "key"},
    ]


def test_finding_providers_imports_none(install: Install) -> None:
    """`--help` and `validate` pay for what they use."""
    install("acme", "raise RuntimeError('imported')")
    assert "acme" in installed()
