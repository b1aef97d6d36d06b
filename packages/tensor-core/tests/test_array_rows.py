"""The array backend has every kind of operator that a CUDA tensor needs."""

import numpy as np
import pytest

from corten_tensor_core import _array

ROWS = """
neg abs exp log sqrt rsqrt sin cos tanh sigmoid relu floor sign bitwise_not isnan
add sub mul div pow remainder maximum eq lt bitwise_and logical_and atan2 rsub where clamp addcmul addcdiv lerp
to clone copy contiguous sum sum.dim mean mean.dim prod prod.dim amax var std any any.dim all all.dim norm logsumexp
max max.dim min min.dim argmax topk sort cumsum cat stack
index index_put index_select gather scatter masked_fill masked_select nonzero take_along_dim
mm matmul bmm dot addmm linear linalg_svd linalg_qr linalg_solve linalg_eigh linalg_inv linalg_det
fft_fft fft_ifft fft_rfft fft_irfft
conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d conv_backward_input conv_backward_weight
max_pool2d max_pool2d_backward avg_pool2d avg_pool2d_backward batch_norm batch_norm_backward
layer_norm layer_norm_backward softmax softmax_backward log_softmax log_softmax_backward
nll_loss nll_loss_backward embedding embedding_backward dropout
uniform normal bernoulli randint randperm multinomial zeros ones full arange linspace eye
""".split()


@pytest.mark.parametrize("name", ROWS)
def test_row_is_there(name):
    assert callable(_array.ARRAY[name])


def test_unknown_row():
    with pytest.raises(KeyError):
        _array.call("nothing", np)
