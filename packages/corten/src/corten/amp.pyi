from corten_tensor_core.amp import *
