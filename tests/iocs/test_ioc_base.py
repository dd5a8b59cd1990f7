"""The base of every IOC: summary state, bindings, motor fields."""

from __future__ import annotations

from caproto import CAStatus

ECA_PUTFAIL = CAStatus.ECA_PUTFAIL


async def test_a_put_is_seen_by_its_handler_which_may_replace_it(demo, connect):
    title = await connect("Title")
    await title.write(["hello"])
    assert demo["Title"].value == "HELLO"
