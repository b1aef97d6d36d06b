from corten_tensor_core.utils import data as data
from corten_tensor_core.utils import dlpack as dlpack
