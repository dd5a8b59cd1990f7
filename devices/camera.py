"""The records of the camera's IOC: areaDetector's core on the stock class, and what a science CCD adds."""

from __future__ import annotations

from ophyd import Component as Cpt
from ophyd import Device
from ophyd.areadetector.cam import CamBase

from devices.command import CommandPort
from devices.signals import Count, Readback, Setting, SettingWithReadback, Text, TextSetting

__all__ = ["Camera", "FitsWriter", "FrameStatistics"]


class Camera(CamBase):
    """An areaDetector camera whose records this package uses are monitored; the others connect on first use."""

    # The stock class has a list of its own, of records that connect only when a run asks for them.
    _default_configuration_attrs = (
        *("model", "serial_number", "temperature", "temperature_actual"),
        *("bin_x", "bin_y", "min_x", "min_y", "size_x", "size_y", "flush_cycles"),
    )

    acquire = Cpt(SettingWithReadback, "Acquire", kind="omitted")
    acquire_time = Cpt(SettingWithReadback, "AcquireTime", kind="omitted")
    image_mode = Cpt(SettingWithReadback, "ImageMode", kind="omitted")
    num_images = Cpt(SettingWithReadback, "NumImages", kind="omitted")
    detector_state = Cpt(Readback, "DetectorState_RBV", string=True, kind="omitted")
    status_message = Cpt(Text, "StatusMessage_RBV", kind="omitted")
    time_remaining = Cpt(Readback, "TimeRemaining_RBV", kind="omitted")
    pixels_remaining = Cpt(Readback, "NumPixelsRemaining_RBV", kind="omitted")

    model = Cpt(Readback, "Model_RBV", kind="config")
    serial_number = Cpt(Readback, "SerialNumber_RBV", kind="config")
    temperature = Cpt(SettingWithReadback, "Temperature", kind="config")
    temperature_actual = Cpt(Readback, "TemperatureActual", kind="config")
    bin_x = Cpt(SettingWithReadback, "BinX", kind="config")
    bin_y = Cpt(SettingWithReadback, "BinY", kind="config")
    min_x = Cpt(SettingWithReadback, "MinX", kind="config")
    min_y = Cpt(SettingWithReadback, "MinY", kind="config")
    size_x = Cpt(SettingWithReadback, "SizeX", kind="config")
    size_y = Cpt(SettingWithReadback, "SizeY", kind="config")
    array_size_x = Cpt(Readback, "ArraySizeX_RBV", kind="omitted")
    array_size_y = Cpt(Readback, "ArraySizeY_RBV", kind="omitted")
    flush_cycles = Cpt(Setting, "FlushCycles", kind="config")

    image_type = Cpt(SettingWithReadback, "ImageType", kind="omitted", string=True)
    test_type = Cpt(TextSetting, "TestType", kind="omitted")
    group_id = Cpt(TextSetting, "GroupId", kind="omitted")
    reason = Cpt(TextSetting, "Reason", kind="omitted")
    program = Cpt(TextSetting, "Program", kind="omitted")
    note = Cpt(TextSetting, "Note", kind="omitted")
    image_title = Cpt(TextSetting, "ImageTitle", kind="omitted")
    object_name = Cpt(TextSetting, "ObjectName", kind="omitted")
    observer = Cpt(TextSetting, "Observer", kind="omitted")
    snap_index = Cpt(Setting, "SnapIndex", kind="omitted")
    snap_count = Cpt(Setting, "SnapCount", kind="omitted")
    stutter_shifts = Cpt(Setting, "StutterShifts", kind="omitted")
    stutter_rows = Cpt(Setting, "StutterRows", kind="omitted")
    focus_frame = Cpt(Setting, "FocusFrame", kind="omitted")
    focus_steps = Cpt(Setting, "FocusSteps", kind="omitted")
    focus_step = Cpt(Setting, "FocusStep", kind="omitted")
    focus_shift = Cpt(Setting, "FocusShift", kind="omitted")

    pause_exposure = Cpt(Setting, "Pause", kind="omitted")
    resume_exposure = Cpt(Setting, "Resume", kind="omitted")
    stop_exposure = Cpt(Setting, "StopExposure", kind="omitted")
    abort = Cpt(Setting, "Abort", kind="omitted")
    held = Cpt(Readback, "Held_RBV", kind="omitted")
    optics_locked = Cpt(Readback, "OpticsLocked_RBV", kind="omitted")
    sequence_claim = Cpt(TextSetting, "SequenceClaim", kind="omitted")
    sequence_release = Cpt(TextSetting, "SequenceRelease", kind="omitted")
    sequence_owner = Cpt(Text, "SequenceOwner_RBV", kind="omitted")

    port_name = Cpt(Readback, "PortName_RBV", string=True, kind="omitted")
    obs_id = Cpt(Readback, "ExposureId_RBV", string=True, kind="omitted")
    exposure_id = Cpt(Count, "ExposureNumber_RBV", kind="omitted")
    day_obs = Cpt(Readback, "DayObs_RBV", kind="omitted")
    seq_num = Cpt(Readback, "SeqNum_RBV", kind="omitted")
    exposure_start = Cpt(Readback, "ExposureStart_RBV", kind="omitted")
    exposure_end = Cpt(Readback, "ExposureEnd_RBV", kind="omitted")
    exposure_time = Cpt(Readback, "ExposureTime_RBV", kind="omitted")
    shutter_time = Cpt(Readback, "ShutterTime_RBV", kind="omitted")
    dark_time = Cpt(Readback, "DarkTime_RBV", kind="omitted")
    frame_state = Cpt(Readback, "FrameState_RBV", string=True, kind="omitted")
    frame_file = Cpt(Text, "FrameFile_RBV", kind="omitted")
    frame_reason = Cpt(Text, "FrameReason_RBV", kind="omitted")
    header_problems = Cpt(Text, "HeaderProblems_RBV", kind="omitted")

    commands = Cpt(CommandPort, "", kind="omitted")


class FitsWriter(Device):
    """Where the frame went."""

    data_root = Cpt(Text, "DataRoot_RBV", kind="config")
    free_space = Cpt(Readback, "FreeSpace_RBV", kind="omitted")
    auto_save = Cpt(SettingWithReadback, "AutoSave", kind="omitted")
    write_message = Cpt(Text, "WriteMessage", kind="omitted")


class FrameStatistics(Device):
    """Statistics of the imaging pixels, ADU above the overscan."""

    mean = Cpt(Readback, "MeanValue_RBV", kind="omitted")
    sigma = Cpt(Readback, "Sigma_RBV", kind="omitted")
    minimum = Cpt(Readback, "MinValue_RBV", kind="omitted")
    maximum = Cpt(Readback, "MaxValue_RBV", kind="omitted")
    noise = Cpt(Readback, "Noise_RBV", kind="omitted")
    exposure_end = Cpt(Readback, "TimeStamp_RBV", kind="omitted")
    """Of the frame they are of."""
    source = Cpt(Readback, "NDArrayPort_RBV", string=True, kind="omitted")
    """Port it was got from: the camera's, unless somebody wants statistics of a region."""
