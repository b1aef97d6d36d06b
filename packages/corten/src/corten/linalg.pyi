from corten_tensor_core.linalg import *
