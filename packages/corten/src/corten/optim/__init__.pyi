from corten_optim import *
from corten_optim import lr_scheduler as lr_scheduler
