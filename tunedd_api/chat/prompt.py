"""What the model is shown of a turn: `prompt.jinja`, filled in."""

import json
from collections.abc import Sequence
from importlib.resources import files

from haystack.dataclasses import ChatMessage
from haystack.utils.jinja2_chat_extension import ChatMessageExtension
from haystack.utils.jinja2_sandbox import HaystackSandboxedEnvironment

from tunedd_api.chat.model import Exchange, Source


class Prompt:
    """
    The template, compiled once.

    Haystack's ChatPromptBuilder, whose template language this is, compiles it anew for every question, which
    takes five times as long as filling it in.
    """

    def __init__(self) -> None:
        template = files(__package__).joinpath("prompt.jinja").read_text("utf-8")
        environment = HaystackSandboxedEnvironment(extensions=[ChatMessageExtension])
        self._template = environment.from_string(template)

    def messages(
        self, history: Sequence[Exchange], sources: Sequence[Source], question: str
    ) -> list[ChatMessage]:
        """History, sources and question are data: nothing in them is taken for template."""
        rendered = self._template.render(history=history, sources=sources, question=question)
        # The extension renders each message as a line of JSON.
        return [ChatMessage.from_dict(json.loads(line)) for line in rendered.split("\n") if line.strip()]
