from corten_tensor_core.accelerator import *
