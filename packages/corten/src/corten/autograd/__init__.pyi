from corten_autograd import *
from corten_autograd import function as function
from corten_autograd import functional as functional
from corten_autograd import graph as graph
