"""What of a value a subscription gets."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import numpy as np
from caproto._utils import apply_arr_filter, apply_deadband_filter
from caproto.server.common import host_endian

__all__ = ["elements_for"]


def elements_for(
    subscription: Any, spec: Any, values: Any, flags: int, last_dead_band: MutableMapping[Any, Any]
) -> Any:
    """Return the elements that a subscription gets, None for no update.

    Parameters
    ----------
    subscription, spec : caproto Subscription, SubscriptionSpec
        What the client asked for.
    values : sequence
        The new elements.
    flags : int
        Why there is an update: a mask of SubscriptionType.
    last_dead_band : mapping
        Last value sent, by subscription with a dead band filter; is kept up to date.
    """
    values = apply_arr_filter(spec.channel_filter.arr, values)
    if subscription.channel_filter.dbnd is not None:
        tracked = apply_deadband_filter(
            previous_value=last_dead_band.get(subscription),
            new_value=values,
            sub=subscription,
            flags=flags,
            host_endian=host_endian,
        )
        if tracked is None:
            return None
        last_dead_band[subscription] = tracked
    return _with_count(values, subscription.data_count)


def _with_count(values: Any, count: int) -> Any:
    """Exactly `count` elements, as the client asked: cut, or filled up with zeros; 0 is as many as there are."""
    if not count or count == len(values):
        return values
    if count < len(values):
        return values[:count]
    if isinstance(values, np.ndarray):
        return np.concatenate([values, np.zeros(count - len(values), values.dtype)])
    return type(values)([*values, *[b""] * (count - len(values))])
