from corten_autograd.func import *
