"""Keras layers; they know tensors only."""

from keras_textgen.lazy import lazy_names
from keras_textgen.supported import check_supported

check_supported()

_PUBLIC = {
    "AttentionPooling": "keras_textgen.layers.attention",
    "BertEncoder": "keras_textgen.layers.backbones",
    "BidirectionalStack": "keras_textgen.layers.recurrent",
    "BroadMemory": "keras_textgen.layers.memory",
    "CodeStateDecoder": "keras_textgen.layers.decoders",
    "DeepMemory": "keras_textgen.layers.memory",
    "DirectionHead": "keras_textgen.layers.von_mises_fisher",
    "GPT2Decoder": "keras_textgen.layers.backbones",
    "GRU": "keras_textgen.layers.cpu_recurrence",
    "GaussianHead": "keras_textgen.layers.gaussian",
    "GlobalBatchNormalization": "keras_textgen.layers.batch_normalization",
    "LSTM": "keras_textgen.layers.cpu_recurrence",
    "LatentLevel": "keras_textgen.layers.memory",
    "RecurrentDecoder": "keras_textgen.layers.decoders",
    "RecurrentEncoder": "keras_textgen.layers.encoders",
    "RecurrentStack": "keras_textgen.layers.recurrent",
    "SpikeAndSlabGate": "keras_textgen.layers.gating",
    "TransformerDecoder": "keras_textgen.layers.transformer_decoder",
    "TransformerEncoder": "keras_textgen.layers.encoders",
    "TransformerStack": "keras_textgen.layers.transformer",
    "Tower": "keras_textgen.layers.towers",
    "VocabularyLogLikelihood": "keras_textgen.layers.vocabulary",
}
__all__ = sorted(_PUBLIC)
__getattr__, __dir__ = lazy_names(__name__, _PUBLIC)
