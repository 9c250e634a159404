"""What the engine says of parts, signals and studies that do not come in parts."""

import pytest

from isomorph.cli import main
from isomorph.engine import Part
from isomorph.errors import InputError

MODELS_STUDY = 'models = ["bundled/pixels"]\nbenchmarks = ["kriegeskorte-92"]\n'


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "first.toml"
    path.write_text(MODELS_STUDY)
    return path


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "a/b", "-1/2", "1/0", "1/2/3", "1.5/2", "1/9999999"])
def test_a_part_is_one_of_n(text):
    with pytest.raises(InputError, match=r"^a part is i/N with 1 ≤ i ≤ N ≤ 1,000,000, such as 1/8; got "):
        Part.parse(text)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "--part", "3/2"], "a part is i/N with 1 ≤ i ≤ N ≤ 1,000,000, such as 1/8; got 3/2."),
        (["run", "--stage", "targets"], "the study 'first' has the stages scores, and no 'targets'."),
        (["run", "--part", "1/2", "--dry-run"], "--dry-run shows the whole study; `isomorph plan` shows its units."),
        (["run", "--retry-quarantined"], "--retry-quarantined goes with --part or --engine: a whole run begins every unit."),
        (["plan", "--sbatch", "0"], "--sbatch takes a number of jobs from 1 to 100,000, or N%K for K of N jobs at once; got '0'."),
    ],
)
def test_wrong_usage_is_status_2(words, said, study, capsys):
    with_study = [words[0], str(study), *words[1:]]
    assert main(with_study) == 2
    assert said in capsys.readouterr().err


def test_a_path_that_no_script_can_hold(tmp_path, capsys):
    folder = tmp_path / "a\nISOMORPH_JOB\nreboot"
    folder.mkdir()
    (folder / "first.toml").write_text(MODELS_STUDY)
    assert main(["plan", str(folder / "first.toml"), "--sbatch", "2"]) == 1
    assert "holds a character that cannot be printed, and so cannot stand in a script. Rename it." in capsys.readouterr().err


def test_a_script_quotes_what_a_shell_would_run(tmp_path, capsys):
    folder = tmp_path / "$(reboot)'; `reboot` #"
    folder.mkdir()
    (folder / "first.toml").write_text(f'name = "$(reboot) \\"x"\n{MODELS_STUDY}')
    assert main(["plan", str(folder / "first.toml"), "--sbatch", "2", "--store", "a b"]) == 0
    script = capsys.readouterr().out
    assert "--job-name=reboot-x-scores" in script
    assert script.count("reboot)'\"'\"'; `reboot` #/first.toml'") == 2
    assert 'a b\' --stage scores --part "$SLURM_ARRAY_TASK_ID/2" &' in script
