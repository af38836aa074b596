"""The knobs: environment over file over default."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from tunedd_api.settings import Settings


def test_every_knob_has_a_default(tmp_path: Path) -> None:
    settings = Settings(_env_file=tmp_path / "none")  # type: ignore[call-arg]  # pydantic-settings adds it
    assert settings.models_folder == settings.home / "models"
    assert settings.openai_api_key is None


def test_the_file_is_read_and_the_environment_goes_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / ".env"
    file.write_text(
        "TUNEDD_PORT=9000\nTUNEDD_HOST=0.0.0.0\nTUNEDD_CORS_ORIGINS=https://a.example, https://b.example\n"
    )
    monkeypatch.setenv("TUNEDD_PORT", "9001")
    settings = Settings(_env_file=file)  # type: ignore[call-arg]  # pydantic-settings adds it
    assert (settings.host, settings.port) == ("0.0.0.0", 9001)
    assert settings.cors_origins == ("https://a.example", "https://b.example")


@pytest.mark.parametrize(
    "wrong", [{"port": 70000}, {"max_upload_mb": 0}, {"context_tokens": 10}, {"chat_slots": 0}]
)
def test_a_value_that_makes_no_sense_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Settings(**wrong)  # type: ignore[arg-type]  # that is the point


def test_a_variable_set_to_nothing_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNEDD_HOST", "")
    monkeypatch.setenv("TUNEDD_LOG_LEVEL", "warning")
    settings = Settings()
    assert (settings.host, settings.log_level) == ("127.0.0.1", "WARNING")


def test_a_key_is_not_shown(tmp_path: Path) -> None:
    settings = Settings(openai_api_key="very-secret")  # type: ignore[arg-type]  # pydantic converts it
    assert "very-secret" not in repr(settings)


def test_the_example_file_names_only_knobs_that_exist() -> None:
    example = Path(__file__).parents[2] / ".env.example"
    named = [
        line.strip("#").partition("=")[0] for line in example.read_text().splitlines() if "TUNEDD_" in line
    ]
    assert len(named) > 10
    for name in named:
        assert name.removeprefix("TUNEDD_").lower() in Settings.model_fields


def test_the_readme_names_every_knob() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    missing = [name for name in Settings.model_fields if f"TUNEDD_{name.upper()}" not in readme]
    assert missing == []
