from corten_tensor_core.random import *
