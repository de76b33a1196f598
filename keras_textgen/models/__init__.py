"""The models, one file each."""

from keras_textgen.supported import check_supported

check_supported()
