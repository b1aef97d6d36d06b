from corten_autograd import *
