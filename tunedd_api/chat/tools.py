"""What the chat model may look up by itself: which papers there are, and what is known of one."""

from collections.abc import Sequence
from typing import Any

from haystack.tools.tool import Tool
from jsonschema import Draft202012Validator

from tunedd_api.chat.model import ToolUse
from tunedd_api.errors import NotFound
from tunedd_api.library.model import Document
from tunedd_api.library.service import Library

LISTED = 200
"""Most papers a listing names, so that it fits into a prompt."""

LIST_PAPERS: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
PAPER_DETAILS: dict[str, Any] = {
    "type": "object",
    "properties": {"document_id": {"type": "string", "description": "The id that list_papers gives."}},
    "required": ["document_id"],
    "additionalProperties": False,
}


class PaperTools:
    """The tools `list_papers` and `paper_details`, within the scope of a conversation."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def offered(self, scope: Sequence[str] | None) -> list[Tool]:
        async def list_papers() -> Any:
            return await self._list(scope)

        async def paper_details(document_id: str) -> Any:
            return await self._details(document_id, scope)

        return [
            Tool(
                name="list_papers",
                description="Lists the papers that can be asked about: id and title.",
                parameters=LIST_PAPERS,
                async_function=list_papers,
            ),
            Tool(
                name="paper_details",
                description="Title, authors, year, arXiv id and number of pages of one paper.",
                parameters=PAPER_DETAILS,
                async_function=paper_details,
            ),
        ]

    async def call(
        self, name: str, arguments: dict[str, Any], scope: Sequence[str] | None
    ) -> tuple[ToolUse, bool]:
        """Carries a call out; False with it if the call was invalid, its result then says why."""
        tools = {tool.name: tool for tool in self.offered(scope)}
        if name not in tools:
            return _invalid(name, arguments, f"There is no tool {name!r}; there are {', '.join(tools)}.")
        tool = tools[name]
        errors = [error.message for error in Draft202012Validator(tool.parameters).iter_errors(arguments)]
        if errors:
            return _invalid(name, arguments, "; ".join(errors))
        try:
            result = await tool.invoke_async(**arguments)
        except Exception as error:
            # Haystack wraps what a tool raises; what is not there is an answer, not a failure.
            if isinstance(error.__cause__, NotFound):
                return _invalid(name, arguments, str(error.__cause__))
            raise
        return ToolUse(name=name, arguments=arguments, result=result), True

    async def _list(self, scope: Sequence[str] | None) -> list[dict[str, str]]:
        documents = await self._library.list(limit=LISTED, only=scope)
        return [{"document_id": document.id, "title": document.title} for document in documents]

    async def _details(self, document_id: str, scope: Sequence[str] | None) -> dict[str, Any]:
        if scope is not None and document_id not in scope:
            raise NotFound(f"This conversation has no document {document_id!r}.")
        return _facts(await self._library.get(document_id))


def _facts(document: Document) -> dict[str, Any]:
    return {
        "document_id": document.id,
        "title": document.title,
        "authors": list(document.authors),
        "year": document.year,
        "arxiv_id": document.arxiv_id,
        "pages": document.pages,
    }


def _invalid(name: str, arguments: dict[str, Any], reason: str) -> tuple[ToolUse, bool]:
    return ToolUse(name=name, arguments=arguments, result={"error": reason}), False
