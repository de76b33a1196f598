"""What the package uses of Keras that another version may not have."""

import ast
import inspect
import pkgutil
from importlib import import_module, metadata

import keras
import pytest
import tensorflow as tf

import keras_textgen
from keras_textgen import private_names
from keras_textgen.private_names import NAMES, PrivateName, is_within_fit
from tests.test_house import TREES

VERSIONS = ", ".join(
    f"{name} {metadata.version(name)}"
    for name in ("keras", "tensorflow", "tensorflow-probability")
)
FOREIGN = ("keras", "tensorflow", "tensorflow_probability")
PRIVATE = (
    "private_gradients",
    "private_names",
    "private_saving",
    "private_workers",
)


def check(row):
    assert row.is_there(), (
        f"{VERSIONS}: {row.of} has no {row.name}, which {row.used_by} uses; "
        f"without it, {row.breaks}"
    )


@pytest.mark.parametrize("row", NAMES, ids=lambda row: row.name)
def test_the_name_is_there(row):
    check(row)


def test_the_failure_says_what_breaks_and_where():
    gone = PrivateName("_x", "keras.Model", "f", "all is lost", lambda: False)
    message = "keras.Model has no _x, which f uses; without it, all is lost"
    with pytest.raises(AssertionError, match=message):
        check(gone)


def test_each_name_is_used_where_the_table_says():
    source = inspect.getsource(private_names)
    for row in NAMES:
        user = getattr(private_names, row.used_by, None)
        if user is None:
            files = [
                module
                for module in TREES
                if f"keras_textgen.{module}.".startswith(f"{row.used_by}.")
            ]
            assert files
            assert any(row.name in ast.unparse(TREES[file]) for file in files)
        else:
            assert row.name.split(".")[-1] in source
            assert inspect.getmodule(user) is private_names
    assert len({row.name for row in NAMES}) == len(NAMES)


def is_private(name):
    return name.startswith("_") and not name.startswith("__")


def defined(tree):
    """Private names that a module gives its own classes and objects."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Attribute):
            if isinstance(node.ctx, ast.Store):
                yield node.attr
        elif isinstance(node, ast.AnnAssign | ast.Assign):
            targets = getattr(node, "targets", None) or [node.target]
            yield from (t.id for t in targets if isinstance(t, ast.Name))


def test_no_other_module_reads_private_names():
    ours = {
        name
        for module, tree in TREES.items()
        if module not in PRIVATE
        for name in defined(tree)
    }
    listed = {row.name for row in NAMES}
    for module, tree in TREES.items():
        if module in PRIVATE:
            continue
        used = {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and is_private(node.attr)
        }
        # Of Python's own.
        used -= {"_exit", "_fields", "_replace"}
        assert used <= ours | listed, module
        imports = {
            name.name if isinstance(node, ast.Import) else node.module
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in node.names
        }
        assert not any(
            name.startswith(("keras.src", "tensorflow.python"))
            for name in imports
        ), module


def package_classes():
    prefix = f"{keras_textgen.__name__}."
    for module in pkgutil.walk_packages(keras_textgen.__path__, prefix):
        if module.name.endswith("__main__"):
            continue
        for _, found in inspect.getmembers(
            import_module(module.name), inspect.isclass
        ):
            if found.__module__ == module.name:
                yield found


def test_every_hook_that_is_overridden_is_listed():
    listed = {row.name for row in NAMES}
    overridden = set()
    for each in package_classes():
        foreign = [
            base
            for base in each.__mro__
            if base.__module__.partition(".")[0] in FOREIGN
        ]
        theirs = {name for base in foreign for name in vars(base)}
        overridden |= {
            name for name in vars(each) if is_private(name) and name in theirs
        }
    # abc and tensorflow-probability write these into every class.
    overridden -= {"_abc_impl", "_convert_variables_to_tensors", "_type_spec"}
    assert "_sample_n" in overridden
    assert overridden <= listed


class Given(keras.Model):
    """Notes what `fit` gives to `evaluate`."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)
        self.within_fit = []

    def call(self, x):
        return self.dense(x)

    def evaluate(self, *args, **kwargs):
        self.within_fit.append(is_within_fit(kwargs))
        return super().evaluate(*args, **kwargs)


def test_fit_is_told_from_a_user():
    model, data = Given(), tf.ones([4, 2])
    model.compile("sgd", "mse")
    model.fit(data, data[:, :1], validation_data=(data, data[:, :1]), verbose=0)
    model.evaluate(data, data[:, :1], verbose=0)
    assert model.within_fit == [True, False]


def test_compiled_metrics_are_found_among_the_others():
    model = Given()
    model.compile("sgd", "mse", metrics=["mae"])
    model.train_on_batch(tf.ones([4, 2]), tf.ones([4, 1]))
    (found,) = private_names.compiled_metrics(model.metrics)
    assert set(found.result()) == {"mae"}
