"""How arrays flow, as ADCore's documentation of NDPluginDriver has it."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from iocs.area_detector import rates
from iocs.wire.client import Refused

FRAME = np.arange(12, dtype=np.int32).reshape(3, 4)


class Gate:
    """Holds a plugin at its work until told to go on."""

    def __init__(self, plugin, monkeypatch):
        self.arrived: list[int] = []
        self.open = asyncio.Event()
        process = plugin.process

        async def held(array):
            self.arrived.append(array.unique_id)
            await self.open.wait()
            return await process(array)

        monkeypatch.setattr(plugin, "process", held)

    async def holds(self, count):
        async with asyncio.timeout(5):
            while len(self.arrived) < count:
                await asyncio.sleep(0.001)


@pytest.fixture
def gate(bench, monkeypatch):
    return Gate(bench.plugin("Stats1:"), monkeypatch)


async def test_a_blocking_plugin_is_waited_for(bench, gate):
    publishing = asyncio.create_task(bench.publish(FRAME))
    await gate.holds(1)
    done, _ = await asyncio.wait([publishing], timeout=0.05)
    assert not done
    gate.open.set()
    await publishing
    assert bench["Stats1:MeanValue_RBV"] == FRAME.mean()


async def test_a_plugin_that_does_not_block_works_behind_the_senders_back(bench, gate):
    await bench.put(Stats1__BlockingCallbacks="No")
    counts = []

    async def note(count):
        counts.append(count)

    bench.ioc.chain.on_queued = note
    async with asyncio.timeout(5):
        await bench.publish(FRAME)
    assert bench["Stats1:ArrayCounter_RBV"] == 0
    assert (bench["image1:ArrayCounter_RBV"], bench.ioc.chain.queued) == (1, 1)
    drained = asyncio.create_task(bench.ioc.chain.drained())
    await gate.holds(1)
    assert not drained.done()
    gate.open.set()
    async with asyncio.timeout(5):
        await drained
    assert (bench["Stats1:ArrayCounter_RBV"], bench["Stats1:MeanValue_RBV"]) == (1, FRAME.mean())
    assert counts == [1, 0]


async def test_a_full_queue_loses_the_newest_and_counts_it_and_the_plugin_goes_on(bench, gate):
    await bench.put(Stats1__BlockingCallbacks="No", Stats1__QueueSize=2)
    await bench.publish(FRAME)
    await gate.holds(1)
    for _ in range(4):
        await bench.publish(FRAME)
    assert (bench["Stats1:QueueUse"], bench["Stats1:QueueFree"], bench["Stats1:DroppedArrays_RBV"]) == (2, 0, 2)
    assert bench.ioc["Stats1:QueueUse"].severity.name == "MAJOR_ALARM"
    gate.open.set()
    await bench.ioc.chain.drained()
    assert gate.arrived == [1, 2, 3]
    await bench.publish(FRAME)
    await bench.ioc.chain.drained()
    assert (gate.arrived[-1], bench["Stats1:UniqueId_RBV"], bench["Stats1:ArrayCounter_RBV"]) == (6, 6, 4)
    assert (bench["Stats1:QueueUse"], bench["Stats1:QueueFree"]) == (0, 2)
    assert bench.ioc["Stats1:QueueUse"].severity.name == "NO_ALARM"
    await bench.put(Stats1__DroppedArrays=0)
    assert bench["Stats1:DroppedArrays_RBV"] == 0


async def test_the_counter_counts_from_what_it_is_set_to(bench):
    await bench.publish(FRAME)
    assert bench["Stats1:ArrayCounter_RBV"] == 1
    await bench.put(Stats1__ArrayCounter=100)
    await bench.publish(FRAME)
    assert bench["Stats1:ArrayCounter_RBV"] == 101
    assert bench["Stats1:UniqueId_RBV"] == 2


async def test_arrays_that_come_too_soon_are_ignored(bench):
    await bench.put(Stats1__MinCallbackTime=3600.0)
    for _ in range(3):
        await bench.publish(FRAME)
    assert (bench["Stats1:ArrayCounter_RBV"], bench["Stats1:DroppedArrays_RBV"]) == (1, 0)
    await bench.put(Stats1__MinCallbackTime=0.0)
    await bench.publish(FRAME)
    assert bench["Stats1:ArrayCounter_RBV"] == 2


async def test_the_highest_rate_is_the_inverse_of_the_shortest_time(bench):
    await bench.put(Stats1__MaxArrayRate=20.0)
    assert (bench["Stats1:MinCallbackTime_RBV"], bench["Stats1:MaxArrayRate_RBV"]) == (0.05, 20.0)
    await bench.put(Stats1__MinCallbackTime=0.5)
    assert bench["Stats1:MaxArrayRate_RBV"] == 2.0


async def test_a_disabled_plugin_does_nothing_and_passes_no_old_result_for_a_new_one(bench):
    await bench.publish(FRAME)
    await bench.put(Stats1__EnableCallbacks="Disable")
    assert np.isnan(bench["Stats1:MeanValue_RBV"])
    await bench.publish(FRAME)
    assert bench["Stats1:ArrayCounter_RBV"] == 1
    with pytest.raises(Refused, match="no array has come since it was enabled"):
        await bench.put(Stats1__ProcessPlugin="Process")
    await bench.put(Stats1__EnableCallbacks="Enable")
    await bench.publish(FRAME)
    assert (bench["Stats1:ArrayCounter_RBV"], bench["Stats1:MeanValue_RBV"]) == (2, FRAME.mean())


async def test_a_camera_whose_callbacks_are_off_sends_nothing(bench):
    await bench.publish(FRAME)
    await bench.put(cam1__ArrayCallbacks="Disable")
    await bench.publish(FRAME)
    assert [bench[f"{plugin}ArrayCounter_RBV"] for plugin in ("image1:", "Stats1:", "ROI1:")] == [1, 1, 1]
    assert np.isnan(bench["Stats1:MeanValue_RBV"])


async def test_the_latest_array_can_be_processed_again_with_other_settings(bench):
    await bench.publish(FRAME)
    assert bench["Stats1:Net_RBV"] == FRAME.sum()
    await bench.put(Stats1__CentroidThreshold=3.0, Stats1__ComputeCentroid="Yes")
    await bench.put(Stats1__ProcessPlugin="Process")
    assert bench["Stats1:CentroidTotal_RBV"] == FRAME[FRAME >= 3].sum()
    assert (bench["Stats1:ArrayCounter_RBV"], bench["Stats1:UniqueId_RBV"]) == (2, 1)


async def test_plugins_get_the_arrays_of_the_port_they_name(bench):
    await bench.put(ROI1__EnableX="Enable", ROI1__MinX=1, ROI1__SizeX=2)
    await bench.put(Stats1__NDArrayPort="ROI1", image1__NDArrayPort="ROI1")
    assert bench["Stats1:NDArrayPort_RBV"] == "ROI1"
    await bench.publish(FRAME)
    assert bench["Stats1:MeanValue_RBV"] == FRAME[:, 1:3].mean()
    assert bench["Stats1:UniqueId_RBV"] == 1
    assert np.array_equal(bench["image1:ArrayData"], FRAME[:, 1:3].ravel())
    await bench.put(ROI1__EnableCallbacks="Disable")
    await bench.publish(FRAME)
    assert np.isnan(bench["Stats1:MeanValue_RBV"])


async def test_a_plugin_sends_nothing_on_when_its_callbacks_are_off(bench):
    await bench.put(Stats1__NDArrayPort="ROI1", ROI1__ArrayCallbacks="Disable")
    await bench.publish(FRAME)
    assert (bench["ROI1:ArrayCounter_RBV"], bench["Stats1:ArrayCounter_RBV"]) == (1, 0)


@pytest.mark.parametrize(
    ("prefix", "port", "reason"),
    [
        ("image1", "IMAGE1", "'IMAGE1': that is a loop; it is one of CCD1, STATS1, ROI1, FITS1"),
        ("ROI1", "IMAGE1", "'IMAGE1': that is a loop; it is one of CCD1, FITS1"),
    ],
)
async def test_a_port_that_cannot_be_is_refused_naming_those_that_can(bench, prefix, port, reason):
    await bench.put(Stats1__NDArrayPort="ROI1", image1__NDArrayPort="STATS1")
    before = bench[f"{prefix}:NDArrayPort_RBV"]
    with pytest.raises(Refused, match=reason):
        await bench.put(**{f"{prefix}__NDArrayPort": port})
    assert bench[f"{prefix}:NDArrayPort_RBV"] == bench[f"{prefix}:NDArrayPort"] == before


async def test_a_port_that_is_not_there_is_taken_as_area_detector_takes_it_and_gives_no_arrays(bench):
    await bench.put(Stats1__NDArrayPort="AARDVARK")
    await bench.publish(FRAME)
    assert bench["Stats1:NDArrayPort_RBV"] == "AARDVARK"
    assert bench["Stats1:ArrayCounter_RBV"] == 0
    assert np.isnan(bench["Stats1:MeanValue_RBV"])


async def test_settings_that_were_restored_show_in_what_follows_from_them(bench):
    restored = {
        "QueueSize": 8,
        "MinCallbackTime": 0.25,
        "SortSize": 40,
        "HistSize": 4,
        "HistMax": 8.0,
        "TSNumPoints": 7,
    }
    for name, value in restored.items():
        await bench.ioc[f"Stats1:{name}"].write(value)
    await bench.ioc.chain.start()
    assert (bench["Stats1:QueueFree"], bench["Stats1:QueueUseHIHI"], bench["Stats1:SortFree"]) == (8, 8, 40)
    assert bench["Stats1:MaxArrayRate_RBV"] == 4.0
    assert bench["Stats1:HistogramX_RBV"].tolist() == [0, 2, 4, 6]
    assert bench["Stats1:TS:TSNumPoints"] == 7


async def test_a_loop_that_was_restored_is_cut(bench):
    for prefix, port in (("Stats1", "ROI1"), ("ROI1", "STATS1"), ("image1", "ROI1")):
        for name in ("NDArrayPort", "NDArrayPort_RBV"):
            await bench.ioc[f"{prefix}:{name}"].write(port)
    await bench.ioc.chain.start()
    await bench.publish(FRAME)
    assert [bench[f"{plugin}:ArrayCounter_RBV"] for plugin in ("Stats1", "ROI1", "image1")] == [1, 1, 1]


async def test_rates_are_those_of_the_counters(bench, monkeypatch):
    monkeypatch.setattr(rates, "PERIOD", 0.02)
    watching = asyncio.create_task(rates.watch_rates(bench.ioc.__getitem__, ("Stats1:",)))
    await asyncio.sleep(0)
    await bench.publish(FRAME)
    async with asyncio.timeout(10):
        while bench["Stats1:ArrayRate_RBV"] == 0:
            await asyncio.sleep(0.001)
        while bench["Stats1:ArrayRate_RBV"] > 0:
            await asyncio.sleep(0.001)
    watching.cancel()


async def test_a_plugin_that_fails_says_so_and_harms_nobody(bench, monkeypatch):
    await bench.publish(FRAME)

    async def fail(array):
        raise RuntimeError("out of luck")

    with monkeypatch.context() as broken:
        broken.setattr(bench.plugin("Stats1:"), "process", fail)
        await bench.publish(FRAME)
    assert bench["Stats1:Error_RBV"] == "array 2: RuntimeError: out of luck"
    assert bench.ioc["Stats1:Error_RBV"].severity.name == "MAJOR_ALARM"
    assert np.isnan(bench["Stats1:MeanValue_RBV"])
    assert bench["image1:ArrayCounter_RBV"] == 2
    await bench.publish(FRAME)
    assert (bench["Stats1:Error_RBV"], bench["Stats1:MeanValue_RBV"]) == ("", FRAME.mean())
    assert bench.ioc["Stats1:Error_RBV"].severity.name == "NO_ALARM"


async def test_the_latest_array_is_described(bench):
    await bench.publish(FRAME.astype(np.uint16))
    described = {
        "NDimensions": 2, "ArraySize0": 4, "ArraySize1": 3, "ArraySize2": 0, "ArraySizeX": 4, "ArraySizeY": 3,
        "ArraySizeZ": 0, "ArraySize": 24, "CompressedSize": 24, "DataType": "UInt16", "ColorMode": "Mono",
        "UniqueId": 1, "TimeStamp": 1.8e9 + 1, "EpicsTSSec": 1_800_000_000 - 631_152_000, "EpicsTSNsec": 0,
        "Dim0SA": 4, "Dim1SA": 3, "Codec": "",
    }  # fmt: skip
    assert {name: bench[f"Stats1:{name}_RBV"] for name in described} == described
    assert bench["Stats1:Dimensions_RBV"].tolist() == [4, 3, *[0] * 8]
    assert bench.ioc["Stats1:MeanValue_RBV"].stamp.timestamp == 1.8e9
    assert bench["Stats1:ExecutionTime_RBV"] > 0


async def test_more_bytes_a_second_than_allowed_are_not_sent_on(bench):
    await bench.put(Stats1__NDArrayPort="ROI1", ROI1__MaxByteRate=1.5 * FRAME.nbytes)
    await bench.publish(FRAME)
    await bench.publish(FRAME)
    assert (bench["ROI1:ArrayCounter_RBV"], bench["ROI1:DroppedOutputArrays_RBV"]) == (2, 1)
    assert bench["Stats1:ArrayCounter_RBV"] == 1


async def test_arrays_out_of_order_are_counted_and_if_wanted_put_in_order(bench, monkeypatch):
    await bench.put(Stats1__NDArrayPort="ROI1")
    seen = []

    async def note(array):
        seen.append(array.unique_id)

    monkeypatch.setattr(bench.plugin("Stats1:"), "receive", note)
    for number in (1, 3, 2):
        await bench.publish(FRAME, number)
    assert (seen, bench["ROI1:DisorderedArrays_RBV"]) == ([1, 3, 2], 2)
    await bench.put(ROI1__SortMode="Sorted", ROI1__SortTime=0.5, ROI1__SortSize=2)
    seen.clear()
    for number in (5, 4, 6):
        await bench.publish(FRAME, number)
    assert bench["ROI1:SortFree"] == 0
    assert bench["ROI1:DroppedOutputArrays_RBV"] == 1
    async with asyncio.timeout(5):
        await bench.ioc.chain.drained()
    assert seen == [4, 5]
    assert bench["ROI1:SortFree"] == 2
