"""What a model that is gone leaves behind, for every model."""

import gc

import tensorflow as tf

from tests.conformance.keras_cases import each_case_in_graphs, uses


def graphs():
    """How many graphs there are, when what nobody has is gone."""
    gc.collect()
    return sum(isinstance(each, tf.Graph) for each in gc.get_objects())


@each_case_in_graphs
def test_a_model_that_is_gone_leaves_no_graph(case):
    """As trials of a search and cells of a notebook make many."""

    def use():
        model = case.make()
        model.fit(case.x, case.y, batch_size=2, verbose=0)
        for call in uses(case, model).values():
            call()

    use()
    before = graphs()
    use()
    assert graphs() <= before
