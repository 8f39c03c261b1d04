import deepexplain_tf.writing.table as table


def test_first_column_left_others_right():
    text = table.render(["method", "seconds"], [["deeplift", "1.5"], ["occlusion", "12.5"]])
    assert text.splitlines() == [
        "method     seconds",
        "---------  -------",
        "deeplift       1.5",
        "occlusion     12.5",
    ]


def test_several_columns_left():
    text = table.render(["op", "type", "lost"], [["a", "Relu", "1"], ["bc", "Exp", "20"]], left=2)
    assert text.splitlines() == ["op  type  lost", "--  ----  ----", "a   Relu     1", "bc  Exp     20"]


def test_scientific():
    assert table.scientific(3.14159e-6) == "3.1e-06"
