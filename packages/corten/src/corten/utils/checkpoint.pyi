from corten_autograd.checkpoint import *
