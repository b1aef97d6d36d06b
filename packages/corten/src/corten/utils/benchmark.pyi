from corten_tensor_core.utils.benchmark import *
