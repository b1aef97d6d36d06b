from corten_tensor_core.types import *
