"""What is said where the packages of the extra are missing."""

import sys

import pytest

from keras_textgen.prepare.__main__ import main


@pytest.mark.parametrize("module", ["apache_beam", "array_record"])
def test_the_extra_is_named_in_one_line(tmp_path, monkeypatch, capsys, module):
    if module == "apache_beam":
        pytest.importorskip("array_record", reason="the extra beam is missing")
    for name in [*sys.modules]:
        if name.partition(".")[0] == module:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    path = tmp_path / "a.txt"
    path.write_text("a rose\n" * 20)
    assert main([f"--input={path}", f"--output={tmp_path / 'out'}"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{module}, which is not installed; allowed: pip install" in line
    assert line.endswith("'keras-textgen[beam]'")
    assert not (tmp_path / "out.unfinished").exists()
