"""Arrays and the plugins they flow through, as areaDetector has them (ADCore R3-14)."""
