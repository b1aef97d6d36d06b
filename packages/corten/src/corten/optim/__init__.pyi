from corten_optim import *

from . import lr_scheduler as lr_scheduler
