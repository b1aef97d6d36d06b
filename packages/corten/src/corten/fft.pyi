from corten_tensor_core.fft import *
