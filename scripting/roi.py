"""Regions of interest of guider sensors; the fields are those of ts_observatory_control.

Limits: ts_xml, MTCamera initGuiders (rows and columns 10 to 400, integration time 5 to 200 ms).
"""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["ROI", "ROICommon", "ROISpec"]


class ROICommon(BaseModel):
    """What all regions share."""

    model_config = ConfigDict(populate_by_name=True, extra="forbid")

    rows: Annotated[int, Field(ge=10, le=400)] = 50
    cols: Annotated[int, Field(ge=10, le=400)] = 50
    integrationTimeMillis: Annotated[int, Field(ge=5, le=200, alias="integration_time_millis")] = 100  # noqa: N815
    """ms."""


class ROI(BaseModel):
    """The region of one sensor."""

    model_config = ConfigDict(populate_by_name=True, extra="forbid")

    segment: Annotated[int, Field(ge=0, le=17)]
    startRow: Annotated[int, Field(ge=0, alias="start_row")]  # noqa: N815
    startCol: Annotated[int, Field(ge=0, alias="start_col")]  # noqa: N815


class ROISpec(BaseModel):
    """Regions of guider sensors, by the name of the sensor."""

    model_config = ConfigDict(extra="forbid")

    common: ROICommon
    roi: dict[str, ROI]

    def as_json(self) -> str:
        """Return it as the camera's command takes it: the common part, and each sensor beside it."""
        plain = self.model_dump()
        return json.dumps({"common": plain["common"], **plain["roi"]}, separators=(",", ":"))
