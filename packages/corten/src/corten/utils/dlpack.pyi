from corten_tensor_core.utils.dlpack import *
