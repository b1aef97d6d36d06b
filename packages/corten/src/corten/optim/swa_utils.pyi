from corten_nn.averaging import *
from corten_optim.swa_utils import *
