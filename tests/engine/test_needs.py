"""What units need, how jobs are sized for them, and parts that keep together what reads the same."""

import pytest

from isomorph.engine import DaskJob, LazyUnit, Needs, Part, needs_of
from isomorph.engine._dask_offers import Offers
from isomorph.errors import InputError

GB = 10**9


def unit(label: str, near: str = "") -> LazyUnit:
    return LazyUnit(label=label, make=lambda: pytest.fail("a plan makes no unit"), asks=lambda: Needs(near=near))


def test_a_unit_without_needs_needs_nothing_special():
    assert needs_of("a text") == needs_of(LazyUnit(label="x", make=list)) == Needs()
    assert str(Needs()) == "nothing special"
    assert str(Needs(memory=3 * GB, gpu=True, gpu_memory=20 * GB)) == "3 GB of memory and 20 GB of a GPU"


def test_a_lazy_unit_passes_needs_on():
    there = unit("x", "shard 1")
    assert LazyUnit.of(there).needs == there.needs == Needs(near="shard 1")


@pytest.mark.parametrize("total", [1, 2, 3, 5, 7, 40])
def test_parts_keep_together_what_reads_the_same(total):
    units = [unit(f"{model} on {shard}", f"shard {shard}") for model in "abc" for shard in range(6)]
    parts = [Part(number, total).of(units) for number in range(1, total + 1)]
    assert sorted(each.label for part in parts for each in part) == sorted(each.label for each in units)
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1
    shards = [{each.needs.near for each in part} for part in parts]
    assert sum(map(len, shards)) <= 6 + total - 1, "each cut divides at most one shard"
    if total == 3:
        assert shards == [{"shard 0", "shard 1"}, {"shard 2", "shard 3"}, {"shard 4", "shard 5"}]


def test_parts_without_shards_are_dealt_like_cards():
    units = [unit(str(number)) for number in range(7)]
    assert [each.label for each in Part(2, 3).of(units)] == ["1", "4"]


@pytest.mark.parametrize(
    ("job", "needs", "sharing", "memory"),
    [
        ({}, [], 1, "4GB"),
        ({}, [Needs(memory=int(6.21 * GB)), Needs(memory=GB), Needs()], 1, "6.3GB"),
        ({"memory": "2GB"}, [Needs(memory=6 * GB)], 1, "2GB"),
        ({"cores": 8, "gpus": 1, "gpu_memory": "80GB"}, [Needs(memory=6 * GB, gpu=True, gpu_memory=24 * GB)], 3, "18GB"),
        ({"cores": 2, "gpus": 1, "gpu_memory": "80GB"}, [Needs(gpu=True, gpu_memory=24 * GB)], 2, "8GB"),
        ({"cores": 8, "gpus": 1, "gpu_memory": "80GB"}, [Needs(gpu=True, gpu_memory=24 * GB), Needs(gpu=True)], 1, "4GB"),
        ({"cores": 8, "gpus": 1, "gpu_memory": "80GB"}, [Needs(gpu=True, gpu_memory=90 * GB)], 1, "4GB"),
        ({"cores": 8, "gpus": 1, "gpu_memory": "80GB", "memory": "9GB"}, [Needs(memory=4 * GB, gpu=True, gpu_memory=GB)], 2, "9GB"),
        ({"cores": 8, "gpus": 1, "per_gpu": 4}, [Needs(memory=5 * GB, gpu=True)], 4, "20GB"),
        ({"cores": 8, "gpus": 2, "gpu_memory": "80GB"}, [Needs(gpu=True, gpu_memory=GB)], 1, "4GB"),
    ],
)
def test_a_job_is_made_for_the_largest_unit(job, needs, sharing, memory):
    fitted = DaskJob(**job).fitted(needs)
    assert (fitted.processes, fitted.memory) == (sharing, memory)


def test_processes_share_out_what_a_job_has():
    job = DaskJob(cores=8, memory="30GB", gpus=1, gpu_memory="80GB", per_gpu=3)
    assert job.offers == {"MEMORY": 10 * GB, "GPU": 1, "GPU_MEMORY": 80 * GB // 3}
    options = job.options("slurm", {})
    assert (options["processes"], options["cores"], options["memory"]) == (3, 8, "30000000000B")
    assert options["worker_extra_args"][-1] == f"MEMORY=10000000000,GPU=1,GPU_MEMORY={80 * GB // 3}"
    assert "export OMP_NUM_THREADS=2" in options["job_script_prologue"]


def test_only_what_workers_speak_of_is_asked_for():
    needs = Needs(memory=8 * GB, least=3 * GB, gpu=True, gpu_memory=20 * GB)
    assert Offers(None, {}, gpu=False).asked(needs) is None
    assert Offers(None, {"GPU": 1}, gpu=False).asked(needs) == {"GPU": 1}
    assert Offers(None, {"GPU": 1}, gpu=False).asked(Needs(memory=GB)) is None
    assert Offers(None, {"MEMORY": 8 * GB}, gpu=False).asked(needs) == {"MEMORY": 8 * GB}
    assert Offers(None, {"MEMORY": 4 * GB}, gpu=False).asked(needs) == {"MEMORY": 3 * GB}, "what is only estimated refuses nobody"
    assert Offers(None, {"MEMORY": 4 * GB, "GPU": 1}, gpu=True).asked(Needs()) == {"GPU": 1}
    with pytest.raises(
        InputError, match=r"^it needs 3 GB of memory and 20 GB of a GPU, and no worker has that: the largest has 2 GB of memory"
    ) as error:
        Offers(None, {"MEMORY": 2 * GB}, gpu=False).asked(needs)
    assert str(error.value).endswith("Ask for more memory a worker (`--job memory=…`).")
    with pytest.raises(InputError, match=r"Ask for a GPU \(`--job gpus=1`\)\.$"):
        Offers(None, {"MEMORY": 4 * GB}, gpu=True).asked(Needs())


class Client:
    """As much of Dask's as is asked, with a thousand small workers and a large one."""

    def scheduler_info(self, n_workers: int = 5):
        workers = [{"resources": {"MEMORY": 4 * GB}}] * 1000 + [{"resources": {"MEMORY": 8 * GB}}]
        return {"workers": dict(enumerate(workers[: n_workers if n_workers > 0 else None]))}


def test_all_workers_at_an_address_count():
    offers = Offers(Client(), None, gpu=False)
    small, large = (offers.asked(Needs(memory=memory * GB)) for memory in (3, 6))
    assert (small, large) == ({"MEMORY": 3 * GB}, {"MEMORY": 6 * GB})
    assert (offers.everywhere(small), offers.everywhere(large), offers.everywhere(None)) == (True, False, True)
