from corten_autograd.graph import *
