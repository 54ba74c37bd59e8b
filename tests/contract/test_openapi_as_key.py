"""The server answers an API key as its description says."""

import pytest

from tests.contract.fuzzing import ask_as
from tests.contract.proposals import Town


def test_server_answers_as_documented(
    server: str, database_url: str, town: Town, subtests: pytest.Subtests
) -> None:
    ask_as("key", server, database_url, town, subtests)
