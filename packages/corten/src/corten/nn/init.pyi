from corten_nn.init import *
