from corten_optim import *
from corten_optim import lr_scheduler as lr_scheduler
from corten_optim import swa_utils as swa_utils
