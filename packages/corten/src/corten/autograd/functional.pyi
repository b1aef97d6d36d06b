from corten_autograd.functional import *
