from corten_nn import *

from . import functional as functional
from . import init as init
from . import models as models
from . import utils as utils
