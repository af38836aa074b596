"""Every knob of the service: environment variables `TUNEDD_…` over `.env` over these defaults."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="TUNEDD_", env_file=".env", env_ignore_empty=True, extra="ignore"
    )

    home: Path = Path("var")
    """Everything the service writes lies below this folder."""
    papers: Path = Path("data")
    """The PDFs of this folder are in the library."""
    watch_seconds: Annotated[float, Field(ge=0)] = 5.0
    """Seconds between two looks at that folder; 0 looks once, at the start."""
    models: Path | None = None
    """Folder of the model files; unset, `models` below home. Several homes may share one."""

    database_url: str = "sqlite:tunedd.db"
    """`sqlite:FILE` (relative to home) or `memory:` (conversations end with the process)."""
    passages_url: str = "sqlite:passages.db"
    """`sqlite:FILE` (relative to home), `memory:`, or `weaviate://HOST:8080?grpc=50051`, where
    `weaviate+https` speaks TLS and `&collection=NAME` changes the name `Passages`."""
    weaviate_api_key: SecretStr | None = None
    """For a Weaviate server that wants one."""
    embedding_model: str = "onnx:all-minilm-l6-v2"
    """`onnx:NAME`, a model of `tunedd models list`; `ollama://HOST:11434?model=NAME`;
    `openai+https://HOST/v1?model=NAME`; or `mock:` (`mock:128` for another dimension)."""
    chat_model: str = "llama:qwen2.5-coder-1.5b-instruct"
    """`llama:NAME`, a model of `tunedd models list`; `ollama://HOST:11434?model=NAME`;
    `openai+https://HOST/v1?model=NAME`; `anthropic:?model=NAME`; or `echo:`."""
    jobs_url: str = "local:"
    """`local:` (this process indexes) or `redis://HOST:6379/0` (processes of `tunedd worker` do)."""
    openai_api_key: SecretStr | None = None
    """For `openai+…` models that want one."""
    anthropic_api_key: SecretStr | None = None
    """For `anthropic:` models."""
    ollama_pull: bool = False
    """Whether a model that an Ollama server lacks is pulled onto it."""
    ollama_keep_alive: Annotated[str, Field(pattern=r"^(-1|(\d+(\.\d+)?(ms|s|m|h))+)$")] = "30m"
    """How long Ollama keeps a model in memory after its last use; -1 for good."""
    first_token_timeout: Annotated[float, Field(gt=0)] = 120.0
    """Seconds that a model on a server may take to begin an answer: it may have to be loaded, and to read."""
    next_token_timeout: Annotated[float, Field(gt=0)] = 60.0
    """Seconds that it may fall silent in the middle of an answer."""
    embedding_timeout: Annotated[float, Field(gt=0)] = 60.0
    """Seconds that an embedding model on a server may take for one request."""

    arxiv_url: Annotated[str, Field(pattern=r"^https?://[^/?#@\s]+/?$")] = "https://arxiv.org"
    """Where papers are fetched from. Another address than arXiv's own stands in for its API too."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Origins, separated by commas, whose pages may call the API from a browser."""

    max_upload_mb: Annotated[int, Field(gt=0)] = 100
    max_pages: Annotated[int, Field(gt=0)] = 2000
    """A PDF with more pages is refused."""
    reading_timeout: Annotated[float, Field(gt=0)] = 120.0
    """Seconds that reading one PDF may take."""
    reading_memory_mb: Annotated[int, Field(gt=0)] = 2048
    """Address space of the process that reads PDFs."""
    max_question_chars: Annotated[int, Field(gt=0)] = 4000
    sources_per_answer: Annotated[int, Field(ge=1, le=20)] = 5
    """Passages given to the model with a question."""
    context_tokens: Annotated[int, Field(ge=2048)] = 8192
    """What the chat model reads at once: prompt and answer."""
    answer_tokens: Annotated[int, Field(ge=16)] = 512
    """Longest answer."""
    answer_timeout: Annotated[float, Field(gt=0)] = 600.0
    """Seconds after which an answer is ended and kept as incomplete."""
    chat_slots: Annotated[int, Field(ge=1)] = 1
    """Answers the chat model writes at the same time; further ones wait."""
    threads: Annotated[int | None, Field(ge=1)] = None
    """Processor threads for each model; unset, the cores this process may use."""
    metrics_port: Annotated[int | None, Field(ge=0, le=65535)] = None
    """Where a process of `tunedd worker` shows its metrics; a service has them at `/metrics`."""
    traces_url: Annotated[str, Field(pattern=r"^(https?://[^/?#@\s]+(/[^?#\s]*)?)?$")] = ""
    """Where a trace of each answer is sent, by OTLP over HTTP (`http://HOST:4318`); empty sends none."""
    trace_texts: bool = False
    """Whether traces hold questions, passages and answers."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_json: bool = False

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _separate(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return [part.strip().rstrip("/") for part in value.split(",") if part.strip()]

    @field_validator("log_level", mode="before")
    @classmethod
    def _capital(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @model_validator(mode="after")
    def _leaves_room_for_a_prompt(self) -> Self:
        if self.answer_tokens > self.context_tokens // 2:
            raise ValueError("TUNEDD_ANSWER_TOKENS must be at most half of TUNEDD_CONTEXT_TOKENS.")
        return self

    @property
    def models_folder(self) -> Path:
        return self.models or self.home / "models"
