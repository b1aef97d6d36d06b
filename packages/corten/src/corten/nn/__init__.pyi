from corten_nn import *
from corten_nn import functional as functional
from corten_nn import init as init
from corten_nn import models as models
from corten_nn import utils as utils
