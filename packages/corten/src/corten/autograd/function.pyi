from corten_autograd.function import *
