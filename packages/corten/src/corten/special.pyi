from corten_tensor_core.special import *
