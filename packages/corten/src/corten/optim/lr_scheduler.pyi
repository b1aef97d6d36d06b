from corten_optim.lr_scheduler import *
