"""How API keys are listed: whoever wants to revoke one needs its whole id, in a narrow terminal and in a pipe too."""

from datetime import UTC, datetime
from io import StringIO

import pytest
from rich.console import Console

from mainstay.web.keys import SCOPES, StoredKey, key_id, mint_key
from standalone.access import table_of

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_listed_id_is_whole_however_narrow_the_place(width: int) -> None:
    keys = [
        StoredKey(key_id(mint_key()), "a product with quite a long name", "default", scopes, AT, revoked)
        for scopes, revoked in ((("admin",), None), (tuple(sorted(SCOPES)), AT))
    ]

    shown = StringIO()
    Console(file=shown, width=width).print(table_of(keys), highlight=False)

    lines = shown.getvalue().splitlines()
    assert all(any(key.id in line for line in lines) for key in keys)
    assert max(map(len, lines)) <= width
