from corten_autograd import checkpoint as checkpoint
from corten_tensor_core.utils import benchmark as benchmark
from corten_tensor_core.utils import data as data
from corten_tensor_core.utils import dlpack as dlpack
