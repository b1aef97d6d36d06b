from corten_autograd.variable import *
