from corten_tensor_core.utils.data import *
