from corten_tensor_core.version import *
