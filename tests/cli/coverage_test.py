import keras
import pytest
import tensorflow as tf

from deepexplain_tf.cli import main as cli


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("coverage")
    layers = [keras.layers.Dense(3, "tanh", name="hidden"), keras.layers.Dense(2, "softmax")]
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.save(folder / "net.keras")
    model.export(folder / "exported", verbose=False)
    function = tf.function(lambda x: _without_a_rule(model(x))).get_concrete_function(
        tf.TensorSpec([None, 4], name="x")
    )
    module = tf.Module()
    module.model = model
    tf.saved_model.save(module, str(folder / "saved"), signatures={"odd": function, "plain": _plain(model)})
    return folder


def _without_a_rule(y):
    return tf.raw_ops.ReciprocalGrad(y=y, dy=-tf.ones_like(y))


def _plain(model):
    return tf.function(lambda x: model(x)).get_concrete_function(tf.TensorSpec([None, 4], name="x"))


def test_each_op_has_a_line(folder, capsys):
    assert cli.main(["coverage", f"--model={folder / 'net.keras'}"]) == 0
    head, _, *rows, summary = capsys.readouterr().out.splitlines()
    assert head.split() == ["op", "type", "kind", "verdict"]
    assert [row.split()[1::2] for row in rows if "Tanh" in row] == [["Tanh", "exact"]]
    assert summary == f"{len(rows)} active ops: 1 exact, {len(rows) - 1} linear"


def test_a_summary_has_a_line_for_each_type(folder, capsys):
    arguments = [f"--model={folder / 'exported'}", "--method=epsilon_lrp", "--output=model", "--summary"]
    assert cli.main(["coverage", *arguments]) == 0
    head, _, *rows, _ = capsys.readouterr().out.splitlines()
    assert head.split() == ["type", "kind", "verdict", "ops"]
    assert {tuple(row.split()[::2]) for row in rows} >= {("Softmax", "gradient"), ("Tanh", "exact")}


def test_a_signature_is_chosen(folder, capsys):
    assert cli.main(["coverage", f"--model={folder / 'saved'}", "--signature=odd"]) == 0
    assert "1 refused" in capsys.readouterr().out
    assert cli.main(["coverage", f"--model={folder / 'saved'}", "--signature=plain"]) == 0
    assert "refused" not in capsys.readouterr().out


def test_a_layer_is_the_start(folder, capsys):
    assert cli.main(["coverage", f"--model={folder / 'net.keras'}", "--layer=hidden"]) == 0
    assert "Tanh" not in capsys.readouterr().out


def test_errors_are_one_line(folder, capsys):
    assert cli.main(["coverage", "--model=none.keras"]) == 1
    assert cli.main(["coverage", f"--model={folder / 'net.keras'}", "--method=nothing"]) == 1
    assert cli.main(["coverage"]) == 2
    assert all(line.startswith("deepexplain: error: ") for line in capsys.readouterr().err.splitlines())
