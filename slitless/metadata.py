"""What the start document of a run says, and the check that it says it properly.

`validate_metadata` is made to be a RunEngine's `md_validator`: a run whose metadata do not fit never opens.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from slitless.errors import SlitlessError
from slitless.exposure import MAXIMUM_IMAGES, ImageType

__all__ = ["InvalidMetadata", "RunMetadata", "StutterMetadata", "validate_metadata"]

Name = Annotated[str, Field(min_length=1)]
Text = Annotated[str, Field(max_length=1023)]
Number = Annotated[int, Field(ge=1, le=MAXIMUM_IMAGES)]


class InvalidMetadata(SlitlessError, ValueError):
    """The metadata of a run do not fit the schema; the message lists every fault."""


class StutterMetadata(BaseModel):
    """A stuttered exposure in a start document."""

    model_config = ConfigDict(extra="forbid", strict=True)

    n_shift: Number
    row_shift: Annotated[int, Field(ge=1)]


class RunMetadata(BaseModel):
    """Metadata of a run.

    Any run may open; one that takes frames (`image_type` is given) must say all about them. Keys
    beyond these are welcome.
    """

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)

    plan_name: Name
    plan_args: dict[str, Any] = {}

    image_type: str | None = None
    exposure_time: Annotated[float, Field(ge=0)] | None = None
    """s."""
    num_exposures: Annotated[int, Field(ge=1)] | None = None
    """Frames the run will take: n x n_snaps."""
    n_snaps: Number | None = None
    stutter: StutterMetadata | None = None

    group_id: Text | None = None
    test_type: Text | None = None
    reason: Text | None = None
    program: Text | None = None
    note: Text | None = None
    sensors: Text | None = None
    object: Text | None = None
    observer: Text | None = None

    filter: str | int | None = None
    grating: str | int | None = None
    linear_stage: float | None = None
    """mm."""

    instrument: Name | None = None
    instrument_prefix: Name | None = None
    slitless_version: Name | None = None
    data_root: str | None = None

    @model_validator(mode="after")
    def _frames_are_described(self) -> Self:
        if self.image_type is None:
            return self
        ImageType.named(self.image_type)
        needed = ("exposure_time", "num_exposures", "n_snaps", "group_id", "test_type", "instrument")
        missing = [key for key in needed if getattr(self, key) in (None, "")]
        if missing:
            raise ValueError(f"a run that takes {self.image_type} frames needs {', '.join(missing)}")
        if (self.stutter is not None) != (self.image_type == ImageType.STUTTERED):
            raise ValueError("stutter belongs to STUTTERED frames, and they need it")
        return self


def validate_metadata(metadata: Mapping[str, Any]) -> None:
    """Refuse metadata of a run that do not fit `RunMetadata`, or that JSON cannot hold exactly.

    Raises
    ------
    InvalidMetadata
        Listing every key that is wrong, its value and why.
    """
    try:
        json.dumps(dict(metadata), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidMetadata(f"run metadata: {error}") from error
    try:
        RunMetadata.model_validate(dict(metadata))
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'run'}: {fault['msg']} (got {fault['input']!r:.80})"
            for fault in error.errors()
        )
        raise InvalidMetadata(f"run metadata: {faults}") from error
